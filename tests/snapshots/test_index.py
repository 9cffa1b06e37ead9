"""What is remembered of a source directory: nothing that has changed is missed, nothing else is read again."""

import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_ml.registry.home import Home
from airflow_ml.snapshots import contents
from airflow_ml.snapshots.capture import capture, hash_only
from airflow_ml.snapshots.index import IndexFile, KnownFolder, SourceIndex


@pytest.fixture
def unread(monkeypatch):
    """From the call on, reading a source file is an error, but for those named."""
    read = contents.hash_source

    def only(*names):
        def refuse(place, name):
            assert name in names, f"{name} was read"
            return read(place, name)

        monkeypatch.setattr(contents, "hash_source", refuse)

    return only


def fresh(source):
    """Return the snapshot as it is found with nothing remembered."""
    shutil.rmtree(Home.default().digests, ignore_errors=True)
    return hash_only(source)


def test_files_that_have_not_changed_are_not_read_again(source, settle, unread, store):
    """The second look gives the same snapshot, its files and its source digest from the index."""
    settle()
    first = capture(source, store)
    unread()

    second = hash_only(source)

    assert (second, second.files) == (first, first.files)
    assert [file.source_sha256 for file in second.files] == [file.source_sha256 for file in first.files]


def test_only_what_changed_is_read(source, settle, unread, write):
    """A change to one file, and a new one, cost two files, though a folder's list of names is another."""
    settle()
    before = hash_only(source)
    write(source, {"lib/model.py": "x = 2\n", "lib/new.py": "new\n"})
    unread("lib/model.py", "lib/new.py")

    changed = hash_only(source)

    assert [file.path for file in changed.files] == ["lib/model.py", "lib/new.py", "train.py"]
    assert [file.sha256 for file in changed.files] != [file.sha256 for file in before.files]


def _retarget(source):
    (source / "link.py").unlink()
    (source / "link.py").symlink_to("train.py")


CHANGES = {
    "content of the same size": lambda source: (source / "train.py").write_text("print('ho')\n"),
    "mode": lambda source: (source / "train.py").chmod(0o755),
    "name": lambda source: (source / "train.py").rename(source / "run.py"),
    "exchanged": lambda source: (source / "lib").rename(source / "other"),
    "removed": lambda source: (source / "lib/model.py").unlink(),
    "a new folder": lambda source: shutil.copytree(source / "lib", source / "lib/again"),
    "a link's target": _retarget,
    "ignored from now on": lambda source: (source / ".amlignore").write_text("lib\n"),
    "no longer ignored": lambda source: (source / ".gitignore").write_text(""),
    "a file in the place of a folder": lambda source: (
        shutil.rmtree(source / "lib"),
        (source / "lib").write_text(""),
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_seen(source, settle, write, change):
    """Times are set back after it: only change times and inodes can tell. The result is that of a first look."""
    write(source, {".gitignore": "*.log\n", "a.log": "log\n", "aim.py": "aim\n"})
    (source / "link.py").symlink_to("aim.py")
    settle()
    before = hash_only(source)

    CHANGES[change](source)
    for place in source.rglob("*"):
        os.utime(place, (1, 1))
    after = hash_only(source)
    assert after != before
    assert (after, after.files) == (fresh(source), fresh(source).files)


def test_ignored_files_may_change_at_will(source, settle, unread, write):
    """They are neither read nor do they spoil what is known of their folder."""
    write(source, {".amlignore": "*.log\nout/\n", "a.log": "1"})
    settle()
    first = hash_only(source)
    unread()

    write(source, {"a.log": "22", "b.log": "3", "out/data": "4"})

    assert hash_only(source) == first


def test_a_source_edited_within_a_tick_of_the_clock_is_never_mistaken(source):
    """Two edits of the same size right after another are two snapshots."""
    for number in range(200):
        (source / "train.py").write_text(f"{number:03}")
        os.utime(source / "train.py", (1, 1))

        assert hash_only(source).files[1].sha256 == contents.hash_source(str(source / "train.py"), "train.py").sha256


def test_a_damaged_index_is_as_good_as_none(source, settle):
    """Any byte of it may be wrong or missing: the snapshot is right all the same, and the index is good again."""
    settle()
    expected, rng = hash_only(source), random.Random(0)
    (index,) = (Home.default().digests / "sources").iterdir()
    sound = index.read_bytes()

    for _ in range(100):
        place = rng.randrange(len(sound))
        index.write_bytes(sound[:place] + rng.choice([b"", bytes([sound[place] ^ 1]) + sound[place + 1 :]]))
        assert hash_only(source) == expected
        assert index.read_bytes() == sound


def test_another_version_s_index_is_as_good_as_none(source, settle):
    """Its first line is another one."""
    settle()
    expected = hash_only(source)
    (index,) = (Home.default().digests / "sources").iterdir()
    index.write_bytes(index.read_bytes().replace(b"index 1\n", b"index 0\n"))

    assert hash_only(source) == expected


def test_a_home_that_cannot_be_written_is_no_error(source):
    """Everything is read each time."""
    expected = fresh(source)
    shutil.rmtree(Home.default().digests)
    Home.default().digests.write_text("a file where the folder should be")

    assert hash_only(source) == expected


def test_an_index_that_is_wrong_does_not_stay(source, store, settle):
    """Where a file system has made up change times, the upload notices it, and trying again helps."""
    settle()
    hash_only(source)
    file = IndexFile(Home.default().digests / "sources", os.path.realpath(source))
    known = file.load()
    folders = {
        path: KnownFolder(*folder[:2], bytes(len(folder.digests)), folder[3]) for path, folder in known.folders.items()
    }
    file.save(SourceIndex("", folders=folders))

    with pytest.raises(Exception, match="was changed while it was read"):
        capture(source, store)

    assert capture(source, store) == fresh(source)


KILLED = """
import sys
from pathlib import Path
from airflow_ml.snapshots.capture import hash_only
number = 0
while True:
    number += 1
    Path(sys.argv[1], "train.py").write_text(str(number))
    print(hash_only(Path(sys.argv[1])).id, flush=True)
"""


def test_a_process_killed_while_it_saves_does_no_harm(source):
    """The index is there whole or not at all."""
    with subprocess.Popen([sys.executable, "-c", KILLED, source], stdout=subprocess.PIPE) as process:
        for _ in range(20):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)

    assert hash_only(source) == fresh(source)


def test_indexes_do_not_pile_up(source, monkeypatch):
    """Every checkout leaves one; the first index of a directory lets the oldest others go."""
    monkeypatch.setattr("airflow_ml.snapshots.index._MAX_FILES", 3)
    folder = Home.default().digests / "sources"

    for number in range(8):
        shutil.copytree(source, source.with_name(f"checkout-{number}"))
        hash_only(source.with_name(f"checkout-{number}"))

    assert len(list(folder.iterdir())) <= 4


def test_what_killed_processes_left_goes(source):
    """A half-written file is removed when it is an hour old."""
    folder = Home.default().digests / "sources"
    folder.mkdir(parents=True)
    Path(folder, ".half").touch()
    os.utime(folder / ".half", (1, 1))

    hash_only(source)

    assert not Path(folder, ".half").exists()
