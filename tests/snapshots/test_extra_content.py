"""Content that `hash_paths` adds to a step's fingerprint."""

import os

import pytest

from airflow_ml.exceptions import SnapshotException
from airflow_ml.hashing.stat_cache import StatCache
from airflow_ml.snapshots.extra_content import hash_paths, paths_outside


@pytest.fixture
def digest(source, tmp_path):
    """Function that gives the digest of one path."""
    return lambda path: hash_paths(source, [path], StatCache(tmp_path / "cache"))[path]


def test_files_and_folders_are_found_from_the_source_directory(source, tmp_path, write, digest):
    """Below it, beside it or by an absolute path."""
    write(tmp_path, {"shared/model.py": "x = 1\n"})

    assert digest("lib/model.py") == digest("../shared/model.py") == digest(str(source / "lib/model.py"))
    assert digest("lib") == digest("../shared")
    assert digest("lib") != digest("lib/model.py")


def test_what_leads_out_of_the_folder(source, tmp_path, write):
    """A path is outside by where it leads, whatever it looks like."""
    write(tmp_path, {"shared/model.py": "x = 1\n"})
    (source / "link").symlink_to(tmp_path / "shared")
    inside = ["lib", str(source / "lib"), "."]
    outside = ["../shared", str(tmp_path / "shared/model.py"), "link/model.py", f"../{source.name}-2"]

    assert paths_outside(source, inside + outside) == outside


CHANGES = {
    "content": lambda folder: (folder / "deep/data.bin").write_bytes(b"2"),
    "name": lambda folder: (folder / "deep/data.bin").rename(folder / "deep/other.bin"),
    "mode": lambda folder: (folder / "deep/data.bin").chmod(0o755),
    "one more": lambda folder: (folder / "deep/more").write_bytes(b""),
    "one less": lambda folder: (folder / "deep/data.bin").unlink(),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_below_a_folder_counts(source, write, digest, change):
    """Contents, names, execute bits and files that come and go."""
    write(source, {"data/deep/data.bin": "1", "data/deep/b": "b"})
    before = digest("data")

    CHANGES[change](source / "data")

    assert digest("data") != before


def test_times_and_places_do_not_count(source, tmp_path, write, digest):
    """The same folder in another checkout is the same."""
    write(source, {"data/a.csv": "1\n"})
    write(tmp_path, {"other/a.csv": "1\n"})
    os.utime(tmp_path / "other/a.csv", (1, 1))

    assert digest("data") == digest("../other")


def test_line_ends_count_as_in_source_files(source, digest):
    """A configuration with Windows line ends is the same, a table is not."""
    (source / "a.yaml").write_bytes(b"a: 1\r\n")
    (source / "b.yaml").write_bytes(b"a: 1\n")
    (source / "a.csv").write_bytes(b"1\r\n")
    (source / "b.csv").write_bytes(b"1\n")

    assert digest("a.yaml") == digest("b.yaml")
    assert digest("a.csv") != digest("b.csv")


def test_no_ignore_file_applies(source, write, digest):
    """Who names a path means it."""
    write(source, {".amlignore": "data/\n", "data/a": "1"})
    before = digest("data")
    write(source, {"data/a": "2"})

    assert digest("data") != before


def test_links_are_followed_wherever_they_lead(source, tmp_path, write, digest):
    """A link counts as what it points to."""
    write(tmp_path, {"outside/a": "1"})
    (source / "data").mkdir()
    (source / "data/a").symlink_to(tmp_path / "outside/a")
    (source / "link").symlink_to(tmp_path / "outside")

    assert digest("data") == digest("link") == digest("../outside")


def test_the_home_is_never_looked_into(source, write, monkeypatch, digest):
    """Reading the database of a workspace would drop the locks on it."""
    write(source, {"data/a": "1"})
    before = digest("data")
    write(source, {"data/home/ml/registry.db": "a database"})
    monkeypatch.setenv("AIRFLOW_ML_HOME", str(source / "data/home"))

    assert digest("data") == before


def test_nothing_inside_the_source_directory_counts_too(source, digest):
    """v1's code names files there that are not; when one comes, something has changed."""
    before = digest("maybe.csv")
    (source / "maybe.csv").touch()

    assert digest("maybe.csv") != before


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("../gone.csv", r"hash_paths: '\.\./gone.csv' of '.*source' cannot be read: No such file"),
        ("ring", "hash_paths: 'ring' .*is a link to a folder that it lies in.*ring/self"),
        ("pipe", "hash_paths: 'pipe' .*is a pipe, socket or device"),
    ],
)
def test_what_cannot_be_read_is_named(source, digest, path, text):
    """The error says which path it is, and what to write instead."""
    (source / "ring").mkdir()
    (source / "ring/self").symlink_to("../ring")
    os.mkfifo(source / "pipe")

    with pytest.raises(SnapshotException, match=f"{text}.*; name files and folders that are there"):
        digest(path)
