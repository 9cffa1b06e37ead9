"""The host's cache of files."""

import hashlib
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.storage.cache import FileCache


def test_a_file_is_copied_once(store, cache):
    """The second look gets the same inode, read-only, with the store's modification time."""
    info = store.write("a", b"x")
    place = FileCache(cache).fetch(store, info)
    inode = place.stat().st_ino

    assert FileCache(cache).fetch(store, info).stat().st_ino == inode
    assert place.stat().st_mode & 0o777 == 0o444
    assert place.stat().st_ino != (store.root / "a").stat().st_ino


def test_new_content_has_a_place_of_its_own(store, cache):
    """A changed file in the store does not change what was fetched before."""
    before = FileCache(cache).fetch(store, store.write("a", b"old"))
    after = FileCache(cache).fetch(store, store.write("a", b"new"))

    assert (before.read_bytes(), after.read_bytes()) == (b"old", b"new")


def test_a_file_that_a_script_wrote_into_is_replaced(store, cache, tmp_path):
    """Root ignores permissions: a change through a mounted link shows in the time, and is not handed on."""
    info = store.write("a", b"good")
    FileCache(cache).link(store, info, tmp_path / "one")
    (tmp_path / "one").chmod(0o644)
    (tmp_path / "one").write_bytes(b"evil")

    FileCache(cache).link(store, info, tmp_path / "two")

    assert (tmp_path / "two").read_bytes() == b"good"
    assert (store.root / "a").read_bytes() == b"good"


def test_a_truncated_cache_file_is_replaced(store, cache):
    """A size that does not fit is enough, even with the right time."""
    info = store.write("a", b"good")
    place = FileCache(cache).fetch(store, info)
    times = (place.stat().st_atime_ns, place.stat().st_mtime_ns)
    place.chmod(0o644)
    place.write_bytes(b"g")
    os.utime(place, ns=times)

    assert FileCache(cache).fetch(store, info).read_bytes() == b"good"


def test_a_file_that_changed_since_it_was_listed_is_not_kept(store, cache):
    """What comes must be what was listed."""
    info = store.write("a", b"old")
    store.write("a", b"new")

    with pytest.raises(ServiceException, match="changed while it was read"):
        FileCache(cache).fetch(store, info)
    assert not [place for place in cache.rglob("*") if place.is_file() and place.name != ".lock"]


def test_across_file_systems_the_mount_is_a_copy(store, small_disk, tmp_path):
    """Where no hard link can be made, the step gets a read-only copy."""
    info = store.write("a", b"x")

    FileCache(small_disk / "cache").link(store, info, tmp_path / "one")

    assert (tmp_path / "one").read_bytes() == b"x"
    assert (tmp_path / "one").stat().st_nlink == 1
    assert (tmp_path / "one").stat().st_mode & 0o777 == 0o444


STAGER = """
import sys
from pathlib import Path
from airflow_ml.storage.cache import FileCache
from airflow_ml.storage.local import LocalStore
store = LocalStore(Path(sys.argv[1]))
for info in store.list():
    FileCache(Path(sys.argv[2])).link(store, info, Path(sys.argv[3]) / info.path)
"""


def test_processes_that_fetch_the_same_files_at_once_agree(store, cache, tmp_path, fill):
    """Every one gets whole files, and each file is kept once."""
    fill(store, {f"file {number}": str(number) * 100_000 for number in range(10)})
    stagers = [
        subprocess.Popen([sys.executable, "-c", STAGER, store.root, cache, tmp_path / f"target {number}"])
        for number in range(4)
    ]

    assert [stager.wait() for stager in stagers] == [0, 0, 0, 0]
    for number in range(10):
        places = [tmp_path / f"target {target}" / f"file {number}" for target in range(4)]
        assert {place.read_text() for place in places} == {str(number) * 100_000}
        assert len({place.stat().st_ino for place in places}) == 1


def test_what_was_used_longest_ago_makes_room(store, cache, fill, monkeypatch):
    """The cache keeps to its bound; what was used since stays, although it came first."""
    monkeypatch.setenv("AIRFLOW_ML_CACHE_SIZE", "30K")
    fill(store, {name: name * 10_000 for name in "abcd"})
    infos = {info.path: info for info in store.list()}
    kept = FileCache(cache)
    places = {name: kept.fetch(store, infos[name]) for name in "abc"}
    kept.open(store, infos["a"]).close()

    places["d"] = kept.fetch(store, infos["d"])

    assert [name for name in "abcd" if places[name].exists()] == ["a", "d"]


def test_what_is_in_use_is_never_removed(store, cache, fill, tmp_path, monkeypatch):
    """Mounted files stay, with their copy, even where the bound is passed; an open one keeps its bytes."""
    monkeypatch.setenv("AIRFLOW_ML_CACHE_SIZE", "15k")
    fill(store, {name: name * 10_000 for name in "abc"})
    infos = {info.path: info for info in store.list()}
    kept = FileCache(cache)
    kept.link(store, infos["a"], tmp_path / "mounted")
    opened = kept.open(store, infos["b"])

    kept.fetch(store, infos["c"])

    assert (tmp_path / "mounted").stat().st_nlink == 2
    assert opened.read() == b"b" * 10_000
    assert len([place for place in cache.glob("??/*") if place.name != ".lock"]) == 2
    opened.close()


def test_leftovers_of_killed_processes_make_room_too(store, cache, fill, monkeypatch):
    """Half a file that a killed process left counts and goes; a lost count is made anew."""
    monkeypatch.setenv("AIRFLOW_ML_CACHE_SIZE", "15k")
    fill(store, {name: name * 10_000 for name in "ab"})
    place = FileCache(cache).fetch(store, store.stat("a"))
    place.rename(place.with_suffix(".part"))
    (cache / ".size").write_text("")

    FileCache(cache).fetch(store, store.stat("b"))

    assert not place.with_suffix(".part").exists()


class Digesting:
    """A store that keeps digests, as object stores do."""

    def __init__(self, store, digest):
        self._store, self._digest = store, digest

    def __getattr__(self, name):
        return getattr(self._store, name)

    def stat(self, path):
        """Return what is known of a file, with a digest."""
        return replace(self._store.stat(path), digest=self._digest)


def test_equal_contents_are_kept_once(store, cache, fill, tmp_path):
    """Where the store keeps a digest the content is the key: two names of it share one copy, with one time."""
    fill(store, {"one": "same", "two": "same"})
    known = Digesting(store, f"md5:{hashlib.md5(b'same').hexdigest()}")
    kept = FileCache(cache)

    places = [kept.fetch(known, known.stat(name)) for name in ("one", "two")]

    assert places[0] == places[1]
    assert places[0].read_bytes() == b"same"


def test_a_wrong_digest_is_refused(store, cache, fill):
    """Bytes that are not what the store says are handed to nobody."""
    fill(store, {"one": "other"})
    known = Digesting(store, f"md5:{hashlib.md5(b'same').hexdigest()}")

    with pytest.raises(ServiceException, match=r"'one'.*another md5 than the store says"):
        FileCache(cache).fetch(known, known.stat("one"))


def test_a_size_that_is_none_is_refused(store, cache, monkeypatch):
    """A setting that nobody can read is an error that says what is expected."""
    monkeypatch.setenv("AIRFLOW_ML_CACHE_SIZE", "much")

    with pytest.raises(UserErrorException, match=r"AIRFLOW_ML_CACHE_SIZE is 'much', expected .* 500M"):
        FileCache(cache).fetch(store, store.write("a", b"x"))
