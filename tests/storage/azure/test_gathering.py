"""Many files into a container at once: none replaced too early, and what a later writer wrote is safe."""

import hashlib

import pytest

from airflow_ml.exceptions import ServiceException
from airflow_ml.storage.azure.blobs import Blobs
from airflow_ml.storage.azure.blocks import BLOCK_SIZE
from airflow_ml.storage.azure.gathering import put_files
from airflow_ml.storage.protocol import StoredFile, Upload

pytestmark = pytest.mark.azurite


@pytest.fixture
def uploads(tmp_path):
    """Function that makes uploads of local files, given as a mapping from path to bytes."""

    def make(files, name="source"):
        (tmp_path / name).mkdir()
        for number, content in enumerate(files.values()):
            (tmp_path / name / str(number)).write_bytes(content)
        return [Upload(tmp_path / name / str(number), path) for number, path in enumerate(files)]

    return make


def contents(store):
    """Return the bytes of a store's files by path."""
    return {info.path: store.open_read(info.path).read() for info in store.list()}


class Interrupted(Blobs):
    """The blobs of a writer that something else comes in front of, before its first request of a kind."""

    def __init__(self, client, before, action):
        super().__init__(client)
        self._before, self._action = before, action

    def _come_between(self, request):
        if request == self._before and self._action is not None:
            action, self._action = self._action, None
            action()

    def put(self, name, *args, **options):
        """Let the other one come in front of a file, not of our own marks."""
        self._come_between("put" if name.startswith("d/") else "mark")
        return super().put(name, *args, **options)

    def put_block_list(self, *args):
        """Let the other one come in front."""
        self._come_between("put_block_list")
        return super().put_block_list(*args)


@pytest.mark.parametrize("old", [{}, {"d/a": b"old"}, {"d/a": b"old", "d/big": b"old"}])
def test_files_arrive_with_digests_and_etags(blob_store, uploads, old):
    """Small and large ones, new and replaced; what is told of each is what is there, and no mark is left."""
    files = {"d/a": b"one", "d/empty": b"", "d/big": b"x" * (2 * BLOCK_SIZE + 1), **{f"d/{i}": b"" for i in range(5)}}
    for path, content in old.items():
        blob_store.write(path, content)

    stored = blob_store.put_files(uploads(files), token="t")

    assert contents(blob_store) == files
    assert stored == tuple(
        StoredFile(path, len(content), hashlib.sha256(content).hexdigest(), blob_store.stat(path).etag)
        for path, content in files.items()
    )
    assert all(blob_store.stat(file.path).digest == f"sha256:{file.sha256}" for file in stored)
    assert list(blob_store.list(".airflow_ml")) == []


def test_nothing_is_replaced_before_all_bytes_have_arrived(blob_store, uploads):
    """One source that cannot be read leaves every old file as it was."""
    blob_store.write("d/a", b"old")
    files = uploads({"d/a": b"new", "d/b": b"new"})
    files[1].source.unlink()

    with pytest.raises(FileNotFoundError):
        blob_store.put_files(files, token="t")

    assert contents(blob_store) == {"d/a": b"old"}


@pytest.mark.parametrize(("old", "moment"), [({}, "put"), ({"d/a": b"old"}, "put_block_list")])
def test_a_writer_that_was_believed_dead_stops(blob_store, uploads, old, moment):
    """A later call with the same token wins, although the earlier one still runs; its files are not touched."""
    for path, content in old.items():
        blob_store.write(path, content)
    later = uploads({"d/a": b"later"}, "later")
    earlier = Interrupted(blob_store.client, moment, lambda: blob_store.put_files(later, token="t"))

    with pytest.raises(ServiceException, match="'d/a': another process took over; let that one finish"):
        put_files(earlier, uploads({"d/a": b"earlier"}), token="t")

    assert contents(blob_store) == {"d/a": b"later"}


@pytest.mark.parametrize(("old", "moment"), [({}, "put"), ({"d/a": b"old"}, "put_block_list")])
def test_two_runs_may_write_to_one_place(blob_store, uploads, old, moment):
    """Under other tokens both succeed, also where one's commit has dropped the other's blocks; the last one stays."""
    for path, content in old.items():
        blob_store.write(path, content)
    other = uploads({"d/a": b"other"}, "other")
    blobs = Interrupted(blob_store.client, moment, lambda: blob_store.put_files(other, token="other"))

    (stored,) = put_files(blobs, uploads({"d/a": b"ours"}), token="t")

    assert contents(blob_store) == {"d/a": b"ours"}
    assert stored.etag == blob_store.stat("d/a").etag
