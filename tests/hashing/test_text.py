"""Line ends of source files."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_ml.hashing.text import TEXT_ENDINGS, SourceHash, is_text, normalised

#: Pieces of files in which line ends are torn apart.
PIECES = st.lists(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a", b""]), max_size=4).map(b"".join), max_size=5)


def source_sha256(path, *pieces):
    """Return the digest with normalised line ends."""
    digest = SourceHash(path)
    for piece in pieces:
        digest.update(piece)
    return digest.source_sha256


def test_the_documented_list():
    """Python, notebooks, YAML, JSON, TOML and Markdown, in any case; nothing that a script reads as it likes."""
    assert TEXT_ENDINGS == (".ipynb", ".json", ".markdown", ".md", ".py", ".pyi", ".toml", ".yaml", ".yml")
    assert is_text("lib/TRAIN.PY")
    assert not any(map(is_text, ["a.txt", "a.csv", "a.sh", "a.sql", "a.r", "py", "a.jsonl"]))


@pytest.mark.parametrize("ending", TEXT_ENDINGS)
def test_all_three_line_ends_count_as_one(ending):
    """Windows, old and Unix line ends give one digest, which is that of the Unix ones."""
    path, expected = f"file{ending}", hashlib.sha256(b"a\nb\n\nc\n").hexdigest()

    assert source_sha256(path, b"a\nb\n\nc\n") == expected
    assert source_sha256(path, b"a\r\nb\r\n\r\nc\r\n") == expected
    assert source_sha256(path, b"a\rb\r\rc\r") == expected


def test_other_files_count_byte_for_byte():
    """A shell script with Windows line ends is another script."""
    assert source_sha256("run.sh", b"a\r\n") == hashlib.sha256(b"a\r\n").hexdigest()


@given(PIECES)
def test_it_does_not_matter_how_a_file_is_cut_into_pieces(pieces):
    """A pair of CR and LF may be torn between two pieces."""
    whole = b"".join(pieces)
    digest = SourceHash("a.py")
    for piece in pieces:
        digest.update(piece)

    assert digest.source_sha256 == hashlib.sha256(normalised(whole)).hexdigest()
    assert digest.sha256 == hashlib.sha256(whole).hexdigest()


@given(PIECES, PIECES)
def test_nothing_else_is_lost(first, second):
    """Two files have one digest if and only if they are the same line by line."""
    one, other = b"".join(first), b"".join(second)
    lines = [content.decode().replace("\r\n", "\n").replace("\r", "\n") for content in (one, other)]

    assert (source_sha256("a.py", one) == source_sha256("a.py", other)) == (lines[0] == lines[1])


@pytest.mark.parametrize("pieces", [(b"a\r\n\0",), (b"a\r\n", b"\0"), (b"\0", b"a\r\n")])
def test_content_with_a_nul_byte_counts_byte_for_byte(pieces):
    """It may be UTF-16, where the byte of a CR is half of a letter."""
    assert source_sha256("a.json", *pieces) == hashlib.sha256(b"".join(pieces)).hexdigest()
