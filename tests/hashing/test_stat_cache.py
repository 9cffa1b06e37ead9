"""Digests that are remembered: never a wrong one, whatever happens to the files and to the cache."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import count, islice
from pathlib import Path

import pytest
from blake3 import blake3

from airflow_ml.hashing import stat_cache
from airflow_ml.hashing.digest_table import DigestTable
from airflow_ml.hashing.shared import stat_cache as shared_cache
from airflow_ml.hashing.stat_cache import StatCache
from airflow_ml.registry.home import Home


def digest_of(content):
    """Return what the digest of such a file must be."""
    return (len(content), f"b3:{blake3(content).hexdigest()}")


@pytest.fixture
def data(tmp_path, settle):
    """Three files that lie behind the file clock."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name in "abc":
        (folder / name).write_bytes(name.encode())
    settle()
    return folder


@pytest.fixture
def unread(monkeypatch):
    """From the call on, reading a file is an error."""

    def refuse(path):
        raise AssertionError(f"{path} was read")

    return lambda: monkeypatch.setattr(stat_cache, "hash_file", refuse)


def test_a_known_file_is_not_read_again(tmp_path, data, unread):
    """Another process that shares the folder finds the digest, too."""
    cache = StatCache(tmp_path / "cache")
    digest = cache.digest_file(data / "a")
    cache.save()
    unread()

    assert digest == digest_of(b"a")
    assert cache.digest_file(data / "a") == digest
    assert StatCache(tmp_path / "cache").digest_file(str(data / "a")) == digest


def _exchange(place):
    place.rename(place.with_name("old"))
    place.with_name("z").rename(place)


CHANGES = {
    "written in place": lambda place: place.write_bytes(b"z"),
    "replaced by a copy": lambda place: shutil.copy2(place.with_name("z"), place.with_name("n")).replace(place),
    "exchanged for another": _exchange,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_keeps_size_and_modification_time_is_seen(tmp_path, data, settle, change):
    """Whoever sets the time back cannot set the change time, and another file has another inode."""
    place, cache = data / "a", StatCache(tmp_path / "cache")
    (data / "z").write_bytes(b"z")
    settle()
    before = place.stat()
    cache.digest_file(place)

    CHANGES[change](place)
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert (place.stat().st_size, place.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert cache.digest_file(place) == digest_of(b"z")


def test_files_that_change_within_a_tick_of_the_clock_are_never_mistaken(tmp_path):
    """What was written right before it was read is read again: its times may not tell the next change."""
    cache, place = StatCache(tmp_path / "cache"), tmp_path / "data"

    for number in range(500):
        content = b"%03d" % number
        place.write_bytes(content)
        os.utime(place, (1, 1))
        assert cache.digest_file(place) == digest_of(content)


def test_many_files_are_answered_in_their_order(tmp_path, data):
    """Also with one file twice, and with some known from before."""
    cache = StatCache(tmp_path / "cache")
    cache.digest_file(data / "b")

    digests = list(cache.digest_files([data / "c", data / "a", data / "b", data / "a"]))

    assert digests == [digest_of(content) for content in (b"c", b"a", b"b", b"a")]


def test_what_many_files_gave_is_saved(tmp_path, data, unread):
    """Whoever walks through all of them need not think of it."""
    list(StatCache(tmp_path / "cache").digest_files(data.iterdir()))
    unread()

    assert len(list(StatCache(tmp_path / "cache").digest_files(data.iterdir()))) == 3


def test_few_of_many_files_are_in_memory(tmp_path, data):
    """Paths are taken as they are needed: a folder of a million files is never a list."""
    taken = []
    endless = (taken.append(number) or data / "a" for number in count())

    digests = list(islice(StatCache(tmp_path / "cache").digest_files(endless), 5))

    assert digests == [digest_of(b"a")] * 5
    assert len(taken) < 5000


def test_a_missing_file_is_an_error_at_its_turn(tmp_path, data):
    """The error is the one of opening it, and names it."""
    with pytest.raises(FileNotFoundError, match="missing"):
        list(StatCache(tmp_path / "cache").digest_files([data / "a", data / "missing"]))


def _flip_bytes(content):
    damaged, rng = bytearray(content), random.Random(0)
    for place in rng.sample(range(4096, len(content)), 2000):
        damaged[place] ^= rng.randrange(1, 256)
    return bytes(damaged)


DAMAGES = {
    "header": lambda content: b"no database" + content[11:],
    "any bytes": _flip_bytes,
    "digests": lambda content: content.replace(blake3(b"a").hexdigest().encode(), blake3(b"b").hexdigest().encode()),
    "cut": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
}


def damage(cache, how):
    """Damage the file of a cache, all of it that has been saved."""
    with closing(sqlite3.connect(cache)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = cache.read_bytes()
    cache.write_bytes(DAMAGES[how](content))
    assert cache.read_bytes() != content


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_cache_is_a_miss(tmp_path, data, how):
    """No error, no wrong digest, and the next process has a cache again."""
    list(StatCache(tmp_path / "cache").digest_files(data.iterdir()))
    damage(tmp_path / "cache/files-1.db", how)

    for _ in range(3):
        digests = list(StatCache(tmp_path / "cache").digest_files([data / "a", data / "b", data / "c"]))
        assert digests == [digest_of(content) for content in (b"a", b"b", b"c")]


@pytest.mark.parametrize("how", ["header", "empty"])
def test_a_new_cache_stands_in_for_a_lost_one(tmp_path, data, how, unread):
    """Who finds it damaged removes it, and the next one to save makes another."""
    list(StatCache(tmp_path / "cache").digest_files(data.iterdir()))
    damage(tmp_path / "cache/files-1.db", how)
    for _ in range(2):
        list(StatCache(tmp_path / "cache").digest_files(data.iterdir()))
    unread()

    assert len(list(StatCache(tmp_path / "cache").digest_files(data.iterdir()))) == 3


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path, data):
    """Somebody else's home, or a full disk: everything is read each time."""
    (tmp_path / "cache").write_text("a file where the folder should be")
    cache = StatCache(tmp_path / "cache")

    assert list(cache.digest_files([data / "a"])) == [digest_of(b"a")]


def test_another_version_s_file_is_left_alone(tmp_path, data):
    """Versions that share a home do not take each other's rows, nor their room."""
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache/files-0.db").write_bytes(b"of another version")

    list(StatCache(tmp_path / "cache").digest_files(data.iterdir()))

    assert (tmp_path / "cache/files-0.db").read_bytes() == b"of another version"


def test_the_size_is_bounded(tmp_path):
    """Above the limit the half that was not used for the longest time goes."""
    table = DigestTable(tmp_path, max_bytes=200_000)
    for number in range(5000):
        table.add(f"/data/{number}", (number, 0, 0, 0, 0), stat_cache.FileDigest(number, "b3:" + "0" * 64))
        if number % 500 == 0:
            table.save()
    table.save()

    with closing(sqlite3.connect(tmp_path / "files-1.db")) as connection:
        assert 200 < connection.execute("SELECT count(*) FROM files").fetchone()[0] < 2000
    assert table.find([("/data/4999", stat_cache.Identity(4999, 0, 0, 0, 0))])


WORK = """
import sys
from pathlib import Path
from airflow_ml.hashing import stat_cache
stat_cache.GRANULARITY_NS = 0
cache = stat_cache.StatCache(Path(sys.argv[1]))
while True:
    for digest in cache.digest_files(sorted(Path(sys.argv[2]).iterdir())):
        pass
    print(digest.digest, flush=True)
    if len(sys.argv) > 3:
        for place in Path(sys.argv[2]).iterdir():
            place.touch()
    else:
        break
"""


def start(cache, folder, *more):
    """Start a process that uses the cache; with one more argument for ever."""
    command = [sys.executable, "-c", WORK, cache, folder, *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_many_processes_share_one_cache(tmp_path, data, unread):
    """All start at once with nothing there, all get the same, and what they found is there for the next."""
    processes = [start(tmp_path / "cache", data) for _ in range(4)]

    answers = {process.communicate()[0] for process in processes}

    assert answers == {f"{digest_of(b'c')[1]}\n"}
    assert [process.returncode for process in processes] == [0] * 4
    unread()
    assert len(list(StatCache(tmp_path / "cache").digest_files(data.iterdir()))) == 3


@pytest.mark.parametrize("lines", [1, 3, 10])
def test_a_process_killed_while_it_saves_does_no_harm(tmp_path, data, lines):
    """Whatever a kill at any moment leaves behind, the next process has right digests and a cache that works."""
    with start(tmp_path / "cache", data, "again") as process:
        for _ in range(lines):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)

    for _ in range(2):
        digests = list(StatCache(tmp_path / "cache").digest_files(sorted(data.iterdir())))
        assert digests == [digest_of(content) for content in (b"a", b"b", b"c")]


FORK = """
import os, signal, sys
from pathlib import Path
from airflow_ml.hashing.stat_cache import StatCache
cache = StatCache(Path(sys.argv[1]))
first = cache.digest_file(sys.argv[2])
cache.save()
child = os.fork()
if not child:
    signal.alarm(20)
    second = cache.digest_file(sys.argv[2])
    cache.save()
    os._exit(second != first)
assert os.waitpid(child, 0)[1] == 0
assert cache.digest_file(sys.argv[2]) == first
"""


def test_a_cache_survives_a_fork(tmp_path):
    """Airflow forks its task processes; a connection to the file belongs to the process that opened it."""
    shutil.copy(__file__, tmp_path / "data")

    subprocess.run([sys.executable, "-c", FORK, tmp_path / "cache", os.__file__], check=True)


def test_a_process_has_one_cache_for_each_home(home):
    """Everybody who asks for the home's gets the same one, below its folder of digests."""
    assert shared_cache(Home.default()) is shared_cache(Home.default())
    assert Home.default().digests == Path(home, "digests")
