"""What of a snapshot counts for reuse."""

import random
import shutil
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_ml.exceptions import ServiceException
from airflow_ml.snapshots.capture import capture, hash_only
from airflow_ml.snapshots.materialise import materialise, read_tree
from airflow_ml.snapshots.protocol import SnapshotFile, object_path, source_digest, sources_path
from airflow_ml.snapshots.source_digest import compare_trees, source_digest_of, source_files


def windows(source):
    """Give a folder's text files Windows line ends."""
    for place in source.rglob("*.py"):
        place.write_bytes(place.read_bytes().replace(b"\n", b"\r\n"))


def test_the_digest_is_pinned(source):
    """Every recorded result would be lost by another one."""
    assert hash_only(source).source_digest == "4ea95f06437d5f97004a6f3b8a4d4068bb517f1924d98433fa972170ba40285a"


def test_line_ends_of_text_formats_do_not_count(source, store, tmp_path):
    """The snapshots differ, because bytes are what is run; for reuse they are one, and each comes back as it was."""
    shutil.copytree(source, tmp_path / "windows")
    windows(tmp_path / "windows")

    first, second = capture(source, store), capture(tmp_path / "windows", store)
    materialise(store, second.id, tmp_path / "back")

    assert first.source_digest == second.source_digest
    assert first.id != second.id
    assert (tmp_path / "back/train.py").read_bytes() == b"print('hi')\r\n"


def test_it_is_known_of_stored_snapshots_too(source, store):
    """Published pipelines name snapshots, not folders."""
    windows(source)
    snapshot = capture(source, store)

    assert source_digest_of(store, snapshot.id) == snapshot.source_digest
    assert source_files(store, snapshot.id) == snapshot.files


@pytest.mark.parametrize("left", [None, b"damaged", b"{}", b'{"version":0}'])
def test_snapshots_of_older_versions_are_read_once(source, store, left):
    """Where nothing lies beside them, or nothing of use, their contents tell."""
    windows(source)
    snapshot = capture(source, store)
    store.delete(sources_path(snapshot.id))
    if left is not None:
        store.write(sources_path(snapshot.id), left)

    assert source_digest_of(store, snapshot.id) == snapshot.source_digest
    if left is None:
        assert store.exists(sources_path(snapshot.id))


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_content_that_cannot_be_had_is_named(source, store, damage):
    """No digest is made of what is not there."""
    snapshot = capture(source, store)
    store.delete(sources_path(snapshot.id))
    store.delete(object_path(snapshot.files[1].sha256))
    if damage == "damaged":
        store.write(object_path(snapshot.files[1].sha256), b"other")

    with pytest.raises(ServiceException, match=r"snapshot content of 'train.py' .*submit the pipeline again"):
        source_digest_of(store, snapshot.id)


def test_patterns_leave_files_out(source, store, write):
    """`ignore_in_fingerprint` takes lines as an ignore file has them; the snapshot stays whole."""
    first = capture(source, store)
    write(source, {"lib/model.py": "x = 2\n", "notes/a.md": "a\n"})
    second = capture(source, store)

    assert first.source_digest != second.source_digest
    patterns = ("lib/", "*.md")
    assert first.source_digest_without(patterns) == second.source_digest_without(patterns)
    assert source_digest_of(store, second.id, patterns) == second.source_digest_without(patterns)
    assert second.source_digest_without(()) == second.source_digest


def test_what_counts_is_what_is_uploaded(source, store, write, tmp_path):
    """One ignore implementation decides what is hashed, what is stored and what is run."""
    rng = random.Random(4)
    files = {
        f"{rng.choice('abc')}/{rng.choice('de')}/{rng.choice('fghi')}.{rng.choice(['py', 'log'])}": "x"
        for _ in range(40)
    }
    write(source, files)
    write(source, {".amlignore": "*.log\n!f.log\nb/\n/a/d\nc/**/g.*\n"})

    snapshot = capture(source, store)
    materialise(store, snapshot.id, tmp_path / "back")

    run = {str(place.relative_to(tmp_path / "back")) for place in (tmp_path / "back").rglob("*") if place.is_file()}
    assert {file.path for file in hash_only(source).files} == run
    assert {file.path for file in source_files(store, snapshot.id)} == run
    assert 5 < len(run) < len(files)


def test_names_count_by_their_bytes(source):
    """The composed and the decomposed form of a letter are two names, as for the file system and for `open`."""
    (source / unicodedata.normalize("NFC", "zażółć.py")).write_text("")
    composed = hash_only(source)
    (source / unicodedata.normalize("NFC", "zażółć.py")).rename(source / unicodedata.normalize("NFD", "zażółć.py"))

    assert hash_only(source).source_digest != composed.source_digest
    assert len(hash_only(source).files) == len(composed.files)


def test_empty_folders_do_not_count(source):
    """A snapshot holds files; git does not keep empty folders either, so no checkout has them reliably."""
    before = hash_only(source)
    (source / "empty/deep").mkdir(parents=True)

    assert hash_only(source) == before


def test_case_counts(source):
    """`Train.py` is another file."""
    before = hash_only(source).source_digest
    (source / "train.py").rename(source / "Train.py")

    assert hash_only(source).source_digest != before


def test_trees_are_compared_as_the_digest_counts(source, store, write):
    """For the explanation of a run: what was changed, added and removed, line ends aside."""
    write(source, {"old.py": "old\n", "same.py": "a\nb\n", "run.sh": "ls\n", "mode.sh": "ls\n"})
    old = capture(source, store)
    (source / "old.py").unlink()
    (source / "mode.sh").chmod(0o755)
    (source / "same.py").write_bytes(b"a\r\nb\r\n")
    (source / "run.sh").write_bytes(b"ls\r\n")
    write(source, {"train.py": "print('ho')\n", "new.py": "new\n"})
    new = hash_only(source)

    changes = compare_trees(store, read_tree(store, old.id), new.files)

    assert changes.changed == ("mode.sh", "run.sh", "train.py")
    assert (changes.added, changes.removed) == (("new.py",), ("old.py",))
    assert compare_trees(store, old.files, old.files) == type(changes)()


NAMES = st.lists(st.sampled_from(["a", "b", "train.py", "x.json", "ä.md"]), min_size=1, max_size=3).map("/".join)
FILES = st.dictionaries(NAMES, st.tuples(st.binary(max_size=5), st.booleans()), max_size=5).filter(
    lambda files: not any(other.startswith(f"{name}/") for name in files for other in files)
)


def lay_out(root, files):
    """Write the files below a folder and return its snapshot."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for name, (content, executable) in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
        (root / name).chmod(0o755 if executable else 0o644)
    return hash_only(root)


def as_counted(files):
    """Return what is to count of the files, said once more and simply."""
    text = (".py", ".json", ".md")
    return {
        name: (
            content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            if name.endswith(text) and b"\0" not in content
            else content,
            executable,
        )
        for name, (content, executable) in files.items()
    }


@given(FILES, FILES)
@settings(deadline=None)
def test_digests_are_equal_where_what_counts_is_equal(tmp_path_factory, first, second):
    """Any byte, name or execute bit makes another digest; order, times and the checkout's path never do."""
    root = tmp_path_factory.getbasetemp() / "digests"

    one, other = lay_out(root / "one", first), lay_out(root / "other", dict(reversed(second.items())))

    assert (one.source_digest == other.source_digest) == (as_counted(first) == as_counted(second))
    assert (one.id == other.id) == (first == second)


@given(st.data())
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_index_never_changes_an_answer(tmp_path_factory, settle, data):
    """One directory after many edits is what it is for somebody who looks at it for the first time."""
    root = tmp_path_factory.getbasetemp() / "edits"
    (root / "kept").mkdir(parents=True, exist_ok=True)
    for files in data.draw(st.lists(FILES, min_size=2, max_size=3)):
        for place in sorted((root / "kept").rglob("*"), reverse=True):
            place.rmdir() if place.is_dir() else place.unlink()
        for name, (content, executable) in files.items():
            (root / "kept" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "kept" / name).write_bytes(content)
            (root / "kept" / name).chmod(0o755 if executable else 0o644)

        settle()
        first_look = lay_out(Path(tempfile.mkdtemp(dir=root)), files)
        assert hash_only(root / "kept") == first_look
        assert hash_only(root / "kept").files == first_look.files


def test_the_order_of_files_is_that_of_their_paths():
    """Digest and tree do not depend on how a folder gives its names."""
    files = [SnapshotFile(path, 0, "0" * 64, False, "0" * 64) for path in ("a", "b/c", "b.py")]

    assert source_digest(files) != source_digest(reversed(files))
