"""A local folder as a store."""

import io
import os
import subprocess
import sys
import threading

import pytest

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.storage.local import LocalStore
from airflow_ml.storage.protocol import Store, Upload

ODD_NAMES = ["with space.txt", "zażółć.txt", "100%.txt", "a%20b", "#hash", "a+b", "q?&=", ".hidden", "back\\slash"]
ODD_NAMES += ["new\nline", "🎉", "dot."]


def paths(store, *arguments, **options):
    """Return the listed paths."""
    return [info.path for info in store.list(*arguments, **options)]


def test_it_is_a_store(store):
    """The class fits the protocol, as the type checker sees it too."""
    checked: Store = store
    assert checked.identity.startswith("local:")


@pytest.mark.parametrize("name", ODD_NAMES)
def test_odd_names_come_back_as_they_were(store, name):
    """Nothing in a name is decoded or encoded on the way in and out."""
    store.write(f"dir {name}/{name}", b"x")

    assert paths(store) == [f"dir {name}/{name}"]
    with store.open_read(f"dir {name}/{name}") as stream:
        assert stream.read() == b"x"


def test_listing_is_in_the_order_of_paths(store, fill):
    """A listing is sorted by whole path, where `.` stands before `/`."""
    fill(store, {"a/x": "1", "a.txt": "22", "a/b/c": "", "b": "4"})

    assert paths(store) == sorted(["a/x", "a.txt", "a/b/c", "b"])
    assert paths(store, "a") == ["a/b/c", "a/x"]
    assert paths(store, "a", recursive=False) == ["a/x"]
    assert paths(store, "nowhere") == []


def test_private_and_temporary_files_are_not_listed(store, fill):
    """What is ours does not show up among a user's files, but can be listed by name."""
    fill(store, {".airflow_ml/manifests/r/o.json": "{}", "data": "x", "sub/.airflow_ml/y": "z"})
    (store.root / ".aml-tmp-123").write_text("half")

    assert paths(store) == ["data", "sub/.airflow_ml/y"]
    assert paths(store, ".airflow_ml") == [".airflow_ml/manifests/r/o.json"]


def test_the_etag_changes_with_the_content(store):
    """Writing other bytes of the same length gives another ETag; looking again does not."""
    first = store.write("a", b"one")
    assert store.stat("a") == first

    assert store.write("a", b"two").etag != first.etag


@pytest.mark.parametrize("content", ["bytes", "stream", "file"])
def test_content_comes_from_bytes_streams_and_files(store, tmp_path, content):
    """The three kinds of content give the same file."""
    (tmp_path / "local").write_bytes(b"abc" * 1000)
    given = {"bytes": b"abc" * 1000, "stream": io.BytesIO(b"abc" * 1000), "file": tmp_path / "local"}[content]

    info = store.write("x/y", given)

    assert (info.size, (store.root / "x/y").read_bytes()) == (3000, b"abc" * 1000)


def test_of_many_creators_one_wins(store):
    """Conditional creation succeeds exactly once, whoever comes at the same time."""
    outcomes, start = [], threading.Barrier(8)

    def create(number):
        start.wait()
        try:
            store.write("lock", str(number).encode(), overwrite=False)
            outcomes.append(number)
        except FileExistsError:
            pass

    threads = [threading.Thread(target=create, args=(number,)) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

    assert (store.root / "lock").read_text() == str(outcomes[0])
    assert len(outcomes) == 1


def test_a_failed_write_leaves_the_old_file_and_nothing_else(store):
    """A stream that breaks half-way changes nothing in the store."""

    class Broken(io.RawIOBase):
        def read(self, size=-1):
            raise OSError(5, "Input/output error")

    store.write("a", b"old")
    with pytest.raises(ServiceException, match="write of 'a'"):
        store.write("a", Broken())

    assert (store.root / "a").read_bytes() == b"old"
    assert [place.name for place in store.root.iterdir()] == ["a"]


def test_links_out_of_the_store_are_not_followed(store, tmp_path, fill, caplog):
    """A link that leads out is missing in listings with a warning, and refused when it is named."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("s3cret")
    fill(store, {"a": "x"})
    (store.root / "out").symlink_to(tmp_path / "secret" / "key")
    (store.root / "folder").symlink_to(tmp_path / "secret")
    (store.root / "inside").symlink_to("a")
    (store.root / "nowhere").symlink_to("missing")

    assert paths(store) == ["a", "inside"]
    assert "'out'" in caplog.text
    for path in ("out", "folder/key", "folder/new"):
        with pytest.raises(UserErrorException, match="leads out of the datastore"):
            store.open_read(path)
        with pytest.raises(UserErrorException, match="leads out of the datastore"):
            store.write(path, b"")
    assert (tmp_path / "secret" / "key").read_text() == "s3cret"


def test_what_is_not_there_is_a_file_not_found_error(store, fill):
    """Folders and paths below a file are no files."""
    fill(store, {"dir/file": "x"})

    for path in ("nothing", "dir", "dir/file/below"):
        with pytest.raises(FileNotFoundError, match=repr(path)):
            store.open_read(path)
        assert not store.exists(path)
    assert (store.is_folder("dir"), store.is_folder("dir/file"), store.is_folder("")) == (True, False, True)


def test_a_file_in_the_way_of_a_folder_is_the_users_error(store, fill):
    """Writing below a file says what meets there."""
    fill(store, {"a": "x"})

    for path in ("a/b", "a/b/c"):
        with pytest.raises(UserErrorException, match=f"'{path}': a folder and a file meet under one name"):
            store.write(path, b"y", overwrite=False)


def test_a_name_longer_than_the_file_system_takes_is_told(store):
    """The caller's error, not a traceback of the system."""
    with pytest.raises(UserErrorException, match="the name is longer than the file system takes; shorten it"):
        store.write("x" * 300, b"")


def test_a_durable_store_writes_the_same(tmp_path):
    """Waiting for the disk changes nothing that can be seen."""
    store = LocalStore(tmp_path / "store", durable=True)
    (tmp_path / "one").write_text("1")
    (tmp_path / "two").write_text("2")

    store.write("a", b"0")
    store.put_files([Upload(tmp_path / "one", "b/one")], token="t")
    store.adopt(tmp_path / "two", "b/two")

    assert paths(store) == ["a", "b/one", "b/two"]


def test_put_files_shows_nothing_before_all_have_arrived(store, tmp_path):
    """If one file of many cannot be read, none is there afterwards."""
    (tmp_path / "good").write_text("x")

    with pytest.raises(FileNotFoundError):
        store.put_files([Upload(tmp_path / "good", "d/good"), Upload(tmp_path / "gone", "d/gone")], token="t")

    assert paths(store) == []
    assert list((store.root / ".airflow_ml/staging").iterdir()) == []


def test_adopting_takes_the_file_itself_unless_it_has_another_name(store, tmp_path):
    """A rename moves the inode; a file with a second hard link must be copied, so it is left alone."""
    store.make_folder("")
    (tmp_path / "one").write_text("x")
    inode = (tmp_path / "one").stat().st_ino
    (tmp_path / "two").write_text("y")
    os.link(tmp_path / "two", tmp_path / "two again")

    assert store.adopts(tmp_path)
    assert store.adopt(tmp_path / "one", "sub/one")
    assert not store.adopt(tmp_path / "two", "sub/two")
    assert (store.root / "sub/one").stat().st_ino == inode
    assert paths(store) == ["sub/one"]


def test_get_refuses_a_file_that_is_no_longer_the_one_that_was_listed(store, tmp_path):
    """With an ETag, other content under the same path is an error and leaves no file."""
    info = store.write("a", b"old")
    store.write("a", b"new")

    with pytest.raises(ServiceException, match="was changed while it was read"):
        store.get("a", tmp_path / "copy", etag=info.etag)
    assert not (tmp_path / "copy").exists()


def test_copy_and_delete(store, fill):
    """Copies are files of their own; deleting what is not there is no error; folders need `recursive`."""
    fill(store, {"d/a": "x"})

    store.copy("d/a", "d/b")
    store.delete("d/a")
    store.delete("d/a")

    assert paths(store) == ["d/b"]
    with pytest.raises(UserErrorException, match="a folder and a file meet"):
        store.delete("d")
    store.delete("d", recursive=True)
    assert not store.is_folder("d")


def test_a_full_disk_is_told_with_the_space_that_is_left(small_disk):
    """ENOSPC is a ServiceException with free and total bytes, and leaves nothing behind."""
    store = LocalStore(small_disk / "store")

    with pytest.raises(ServiceException, match=r"no space left, [\d,]+ of 262,144 bytes are free"):
        store.write("big", b"x" * 1_000_000)

    assert list(store.root.iterdir()) == []


def test_large_files_are_copied_whole(store, tmp_path):
    """A file larger than every buffer is copied byte for byte, also through the kernel's own copy."""
    content = os.urandom(3_000_001)
    (tmp_path / "big").write_bytes(content)

    store.write("big", tmp_path / "big")
    store.get("big", tmp_path / "back")

    assert (tmp_path / "back").read_bytes() == content


def test_a_killed_writer_leaves_the_old_file(store):
    """SIGKILL in the middle of a write leaves what was there, and no listed name."""
    store.write("a", b"old")
    code = """
import os, signal, sys
from airflow_ml.storage.local import LocalStore
class Dies:
    def read(self, size): os.kill(os.getpid(), signal.SIGKILL)
LocalStore(__import__("pathlib").Path(sys.argv[1])).write("a", Dies())
"""
    died = subprocess.run([sys.executable, "-c", code, store.root])

    assert died.returncode == -9
    assert paths(store) == ["a"]
    assert (store.root / "a").read_bytes() == b"old"
