"""Snapshots of source directories."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from airflow_ml.exceptions import SnapshotException
from airflow_ml.snapshots.capture import capture, hash_only
from airflow_ml.snapshots.materialise import materialise


def names(snapshot):
    """Return the paths of a snapshot's files."""
    return [file.path for file in snapshot.files]


def test_a_snapshot_is_addressed_by_content(store, source, tmp_path):
    """The same files elsewhere, with other times, have the same id, which is pinned."""
    shutil.copytree(source, tmp_path / "elsewhere")
    os.utime(tmp_path / "elsewhere/train.py", (1, 1))

    first, second = capture(source, store), capture(tmp_path / "elsewhere", store)

    assert first == second
    assert first.id == "00389bfb5bb76be5a8e54447e01c2cecb45cb7ab3a538e22302e596f55ce690e"
    assert (names(first), first.size) == (["lib/model.py", "train.py"], 18)


@pytest.mark.parametrize("change", ["content", "name", "execute bit", "new file", "ignore file"])
def test_every_change_gives_another_id(source, change):
    """Content, names, execute bits, more files and the ignore file itself are part of a snapshot."""
    before = hash_only(source).id
    if change == "content":
        (source / "train.py").write_text("print('ho')\n")
    elif change == "name":
        (source / "train.py").rename(source / "run.py")
    elif change == "execute bit":
        (source / "train.py").chmod(0o755)
    else:
        (source / (".amlignore" if change == "ignore file" else "empty.py")).write_text("")

    assert hash_only(source).id != before


def test_hashing_alone_keeps_nothing(store, source):
    """`hash_only` tells the id that `capture` gives, and writes nowhere."""
    snapshot = hash_only(source)

    assert not store.root.exists()
    assert capture(source, store) == snapshot


def test_only_new_content_is_written(store, source, write):
    """Objects that are there are left alone; equal files share one."""
    capture(source, store)
    objects = {info.path: info.etag for info in store.list("snapshots/objects")}
    write(source, {"copy.py": "print('hi')\n", "new.py": "new\n"})

    capture(source, store)

    after = {info.path: info.etag for info in store.list("snapshots/objects")}
    assert objects.items() <= after.items()
    assert (len(objects), len(after)) == (2, 3)


def test_home_below_the_directory_stays_out(source, write, monkeypatch):
    """Workspaces that are kept in the source directory are no code, and their databases are never opened."""
    before = hash_only(source)
    write(source, {"home/ml/registry.db": "a database", "home/ml/registry.db-shm": "its locks"})
    monkeypatch.setenv("AIRFLOW_ML_HOME", str(source / "home"))

    assert hash_only(source) == before


def test_ignored_files_stay_out(store, source, write):
    """Ignore file, built-in patterns and `.git` are obeyed; the ignore file itself is in."""
    write(
        source,
        {".gitignore": "*.ckpt\nruns/\n", "m.ckpt": "x", "runs/1": "x", "__pycache__/a.pyc": "x", ".git/HEAD": "x"},
    )

    assert names(capture(source, store)) == [".gitignore", "lib/model.py", "train.py"]


def test_unicode_and_odd_names_are_kept(store, source, write, tmp_path):
    """Names come back as they were."""
    odd = {"zażółć 🎉.py": "1", "a b%20#+.py": "2", ".env": "3", "new\nline": "4"}
    write(source, odd)

    materialise(store, capture(source, store).id, tmp_path / "back")

    assert {name: (tmp_path / "back" / name).read_text() for name in odd} == odd


def test_too_many_bytes_name_total_limit_and_the_ten_largest(store, source):
    """The error helps to find what is too big, and nothing is kept."""
    for number in range(12):
        (source / f"big{number:02}").write_bytes(b"x" * (1000 + number))

    with pytest.raises(SnapshotException) as error:
        capture(source, store, max_bytes=5000)

    text = str(error.value)
    assert "12,084 bytes, the limit is 5,000" in text
    assert "'big11' 1,011, 'big10' 1,010" in text
    assert ("'big02'" in text, "'big01'" in text) == (True, False)
    assert ".amlignore" in text
    assert not store.root.exists()


def test_too_many_files_can_be_allowed(source, monkeypatch):
    """The limit on the number of files is an argument and v1's environment variable."""
    with pytest.raises(SnapshotException, match=r"2 files, the limit is 1 \(set AML_SNAPSHOT_NO_FILE_LIMIT"):
        hash_only(source, max_files=1)
    assert hash_only(source, max_files=None)

    monkeypatch.setenv("AML_SNAPSHOT_NO_FILE_LIMIT", "True")
    assert hash_only(source, max_files=1)


def test_ignored_files_do_not_count(source):
    """Limits hold after ignoring."""
    (source / "data").write_bytes(b"x" * 1000)
    (source / ".amlignore").write_text("data\n")

    assert hash_only(source, max_bytes=100).size < 100


def test_links_inside_count_as_what_they_point_to(store, source, tmp_path):
    """A link to a file or folder of the source directory is kept as its content."""
    (source / "main.py").symlink_to("train.py")
    (source / "package").symlink_to("lib")

    snapshot = capture(source, store)
    materialise(store, snapshot.id, tmp_path / "back")

    assert names(snapshot) == ["lib/model.py", "main.py", "package/model.py", "train.py"]
    assert (tmp_path / "back/package/model.py").read_text() == "x = 1\n"
    assert not (tmp_path / "back/main.py").is_symlink()


@pytest.mark.parametrize("aim", ["/etc/passwd", "../../../../etc", "missing", "bad", ".."])
def test_other_links_are_refused_or_ignored_by_name(store, source, aim):
    """A link out of the directory, to nothing, to itself or into a ring is an error, unless it is ignored."""
    (source / "lib/bad").symlink_to(aim)

    with pytest.raises(SnapshotException, match=r"source file 'lib/bad': is a link to .*.amlignore"):
        capture(source, store)
    (source / ".amlignore").write_text("bad\n")
    assert "lib/bad" not in names(capture(source, store))


def test_pipes_are_refused(store, source):
    """A pipe would block its reader for ever; it is named instead."""
    os.mkfifo(source / "pipe")

    with pytest.raises(SnapshotException, match="source file 'pipe': is a pipe, socket or device; remove it"):
        capture(source, store)


def test_a_missing_directory_is_named(store, tmp_path):
    """There is nothing to take a snapshot of."""
    with pytest.raises(SnapshotException, match=r"source directory '.*gone': is not a folder"):
        capture(tmp_path / "gone", store)


UNPRIVILEGED = """
import os, sys
from pathlib import Path
from airflow_ml.exceptions import SnapshotException
from airflow_ml.snapshots.capture import hash_only
os.setuid(65534)
try:
    hash_only(Path(sys.argv[1]))
except SnapshotException as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user to be not allowed to read")
def test_unreadable_files_are_named():
    """Whoever may not read a file gets its name, not a traceback."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        source.chmod(0o755)
        (source / "secret.py").write_text("x")
        (source / "secret.py").chmod(0)

        answer = subprocess.run([sys.executable, "-c", UNPRIVILEGED, folder], capture_output=True, text=True)

    assert "source file 'secret.py': cannot be read: Permission denied; make it readable" in answer.stdout


def test_a_file_that_changes_while_it_is_uploaded_is_refused(source, store):
    """The store never gets an object whose bytes do not fit its name."""

    class Changing(type(store)):
        def exists(self, path):
            (source / "train.py").write_text("changed meanwhile")
            return super().exists(path)

    with pytest.raises(SnapshotException, match=r"source file 'train.py': was changed while it was read"):
        capture(source, Changing(store.root))
    assert all("trees" not in info.path for info in store.list())
