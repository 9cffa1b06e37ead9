"""Outputs: whole or absent."""

import os
import socket

import pytest

from airflow_ml import hooks, hookspecs
from airflow_ml.exceptions import ServiceException, StepFailedError, UserErrorException
from airflow_ml.storage.azure.blob_store import BlobStore
from airflow_ml.storage.commit import commit_output, verify
from airflow_ml.storage.local import LocalStore
from airflow_ml.storage.manifests import read_manifest

WHERE = {"run_id": "run1", "output": "model", "datastore": "blobs"}
FILES = {"a.txt": "one", "sub dir/b%20#.txt": "two", ".hidden": "three", "zażółć": ""}


class CopyingStore(LocalStore):
    """A local store that takes bytes only, as one on another file system does."""

    def adopts(self, source):
        """Never take files themselves."""
        return False


@pytest.fixture(params=[LocalStore, CopyingStore, pytest.param(BlobStore, marks=pytest.mark.azurite)])
def any_store(request, tmp_path):
    """A store that renames, one that copies, and one across a network."""
    if request.param is BlobStore:
        return request.getfixturevalue("blob_store")
    return request.param(tmp_path / "store")


@pytest.fixture(params=[LocalStore, CopyingStore])
def folder_store(request, tmp_path):
    """A store that renames, and one that copies; both are folders."""
    return request.param(tmp_path / "store")


def contents(store, folder=""):
    """Return the texts of a store's files by path."""
    return {info.path: store.open_read(info.path).read().decode() for info in store.list(folder)}


def test_a_folder_is_committed_with_all_its_files(any_store, output, write_tree):
    """Files arrive under the destination, and the manifest lists them with size and digest."""
    write_tree(output, FILES)

    manifest = commit_output(any_store, output, destination="azureml/run1/model", **WHERE)

    assert contents(any_store) == {f"azureml/run1/model/{path}": text for path, text in FILES.items()}
    assert [file.path for file in manifest.files] == sorted(FILES)
    assert manifest.size == sum(len(text) for text in FILES.values())
    assert read_manifest(any_store, "run1", "model") == manifest


def test_renaming_and_copying_give_the_same_manifest(tmp_path, write_tree):
    """How the bytes got there leaves no trace in the manifest, apart from the ETags of the places."""
    manifests = []
    for kind in (LocalStore, CopyingStore):
        source = write_tree(tmp_path / f"of {kind.__name__}", FILES)
        manifests.append(commit_output(kind(tmp_path / kind.__name__), source, destination="d", **WHERE))

    assert manifests[0].is_same_output(manifests[1])


def test_the_manifest_holds_the_etags_of_the_files_in_their_places(any_store, output, write_tree):
    """Whoever looks later can tell without reading a byte that a file is as it was committed."""
    write_tree(output, {"a": "x", "sub/b": "y"})

    manifest = commit_output(any_store, output, destination="d", **WHERE)

    assert {manifest.location(file): file.etag for file in manifest.files} == {
        info.path: info.etag for info in any_store.list("d")
    }


def test_a_write_right_behind_the_commit_changes_the_etag(folder_store, output, write_tree):
    """Other content of the same size, with the old time set back, in the same moment: the ETag tells."""
    write_tree(output, {"a": "old"})

    manifest = commit_output(folder_store, output, destination="d", **WHERE)
    place = folder_store.local_path("d/a")
    before = place.stat()
    place.write_text("new")
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert folder_store.stat("d/a").etag != manifest.files[0].etag


class Meddled(LocalStore):
    """A store that another process writes to while a commit is under way."""

    meddle = staticmethod(lambda: None)

    def list(self, folder="", *, recursive=True):
        """Let the other process write before the look at what is in place."""
        self.meddle()
        return super().list(folder, recursive=recursive)


class MeddledCopying(Meddled, CopyingStore):
    """The same on another file system."""

    def put_files(self, uploads, *, token):
        """Let the other process write to the source once the bytes are stored."""
        stored = super().put_files(uploads, token=token)
        self.meddle()
        return stored


@pytest.mark.parametrize("kind", [Meddled, MeddledCopying])
def test_what_is_still_written_to_is_no_output(tmp_path, output, write_tree, kind):
    """A process that the script left behind writes on, without changing the size: nothing is committed."""
    write_tree(output, {"a": "one", "b": "two"})
    store = kind(tmp_path / "store")
    with (output / "b").open("r+") as open_file:
        store.meddle = lambda: (open_file.write("xxx"), open_file.flush())

        with pytest.raises(StepFailedError, match="'b' was written to while it was stored"):
            commit_output(store, output, destination="d", **WHERE)
    assert read_manifest(store, "run1", "model") is None


def test_a_single_file_is_an_output(any_store, output):
    """A script that writes one file at the output's path gets a file at the destination."""
    output.write_text("weights")

    manifest = commit_output(any_store, output, destination="azureml/run1/model", **WHERE)

    assert manifest.is_file
    assert contents(any_store) == {"azureml/run1/model": "weights"}


def test_an_empty_folder_is_an_output(any_store, output):
    """An output without files is committed, and its folder is there."""
    output.mkdir()

    manifest = commit_output(any_store, output, destination="x/model", **WHERE)

    assert manifest.files == ()
    assert read_manifest(any_store, "run1", "model") == manifest
    # Blobs have no empty folders.
    assert isinstance(any_store, BlobStore) or any_store.is_folder("x/model")


def test_on_one_file_system_files_are_moved(store, output, write_tree):
    """No byte is copied: the inode in the store is the one that the script wrote."""
    write_tree(output, {"a": "x"})
    inode = (output / "a").stat().st_ino

    commit_output(store, output, destination="d", **WHERE)

    assert (store.root / "d/a").stat().st_ino == inode


def test_a_file_with_another_name_is_copied(store, output, tmp_path):
    """A hard link to something else (a mounted input) must not become the store's file."""
    output.mkdir()
    (tmp_path / "cached").write_text("x")
    os.link(tmp_path / "cached", output / "a")

    commit_output(store, output, destination="d", **WHERE)
    (tmp_path / "cached").write_text("changed")

    assert contents(store) == {"d/a": "x"}


def test_the_etag_is_not_that_of_another_writer(tmp_path, write_tree):
    """Two runs write one place at once: the manifest of the one that lost notes no ETag, so that content decides."""
    store = CopyingStore(tmp_path / "store")
    source = write_tree(tmp_path / "one", {"a": "one", "b": "1"})
    put_files = store.put_files

    def overtaken(uploads, *, token):
        stored = put_files(uploads, token=token)
        store.write("d/a", b"two")
        return stored

    store.put_files = overtaken

    manifest = commit_output(store, source, destination="d", **WHERE)

    assert [bool(file.etag) for file in manifest.files] == [False, True]


class Plugin:
    """A plugin that has one normaliser: it leaves out lines that begin with `#`."""

    @hookspecs.hookimpl
    def airflow_ml_normalise_output(self, normaliser, path, source):
        """Give the other lines."""
        return (line for line in source if not line.startswith(b"#")) if normaliser == "comments" else None


@pytest.fixture
def plugin():
    """The plugin, registered for the time of a test."""
    hooks.plugins().register(Plugin())
    yield
    hooks.plugins().unregister(name=next(name for name, it in hooks.plugins().list_name_plugin() if type(it) is Plugin))


def test_normalised_content_is_the_identity(tmp_path, write_tree, plugin):
    """Outputs that differ in what the normaliser leaves out have one identity, and digests of their own."""
    manifests = []
    for kind in (LocalStore, CopyingStore):
        source = write_tree(tmp_path / f"of {kind.__name__}", {"a": f"# {kind.__name__}\nx\n"})
        store = kind(tmp_path / kind.__name__)
        manifests.append(commit_output(store, source, destination="d", normaliser="comments", **WHERE))

    assert manifests[0].identity == manifests[1].identity
    assert len({item for manifest in manifests for item in (manifest.digest, manifest.identity)}) == 3


def test_an_unknown_normaliser_is_told(any_store, output, write_tree, plugin):
    """A name that no plugin answers to is an error that says it, and nothing is committed."""
    write_tree(output, {"a": "x"})

    with pytest.raises(UserErrorException, match=r"output 'model' .*normaliser 'times' is known to no plugin"):
        commit_output(any_store, output, destination="d", normaliser="times", **WHERE)
    assert read_manifest(any_store, "run1", "model") is None


def test_committing_again_returns_the_same_manifest(any_store, output, write_tree):
    """The second call finds the first one's manifest, with or without what the script left."""
    write_tree(output, FILES)
    first = commit_output(any_store, output, destination="d", **WHERE)

    assert commit_output(any_store, output, destination="d", **WHERE) == first


def test_committing_other_content_under_the_same_run_is_refused(any_store, output, write_tree):
    """A committed output never changes."""
    write_tree(output, FILES)
    commit_output(any_store, output, destination="d", **WHERE)
    write_tree(output, {"a.txt": "ONE"})

    with pytest.raises(ServiceException, match=r"output 'model' on datastore 'blobs'.*'a.txt' is different or new"):
        commit_output(any_store, output, destination="d", **WHERE)
    assert contents(any_store)["d/a.txt"] == "one"


def test_a_fixed_destination_is_merged_over(any_store, output, fill, write_tree):
    """Old files stay, equal names are replaced, and the manifest lists the new ones alone."""
    fill(any_store, {"fixed/old": "old", "fixed/a.txt": "old"})
    write_tree(output, {"a.txt": "new", "b": "new"})

    manifest = commit_output(any_store, output, destination="fixed", **WHERE)

    assert contents(any_store) == {"fixed/old": "old", "fixed/a.txt": "new", "fixed/b": "new"}
    assert [file.path for file in manifest.files] == ["a.txt", "b"]


def test_without_overwrite_other_content_is_kept(any_store, output, fill, write_tree):
    """An existing file with other content is an error before anything is written; an equal one is none."""
    fill(any_store, {"fixed/a": "same", "fixed/b": "old"})
    write_tree(output, {"a": "same", "b": "new", "c": "new"})

    with pytest.raises(UserErrorException, match="path 'fixed/b' exists with other content, and overwrite is off"):
        commit_output(any_store, output, destination="fixed", overwrite=False, **WHERE)
    assert contents(any_store) == {"fixed/a": "same", "fixed/b": "old"}
    (output / "b").write_text("old")
    assert len(commit_output(any_store, output, destination="fixed", overwrite=False, **WHERE).files) == 3


def test_links_inside_the_output_are_committed_as_what_they_point_to(any_store, output, write_tree):
    """Links to files and folders of the same output become files with the same content."""
    write_tree(output, {"blobs/1": "one", "step-2/w": "two"})
    (output / "model").symlink_to("blobs/1")
    (output / "latest").symlink_to("step-2")

    manifest = commit_output(any_store, output, destination="d", **WHERE)

    assert contents(any_store, "d") == {
        "d/blobs/1": "one", "d/latest/w": "two", "d/model": "one", "d/step-2/w": "two",
    }  # fmt: skip
    assert verify(any_store, manifest) == []
    assert isinstance(any_store, BlobStore) or not any(place.is_symlink() for place in any_store.root.rglob("*"))


@pytest.mark.parametrize("aim", ["/etc/passwd", "../../../../etc/passwd", "nothing", "bad", "."])
def test_other_links_are_refused(any_store, output, write_tree, aim):
    """A link that leads out, nowhere, to itself or into a ring is the script's error, and nothing is stored."""
    write_tree(output, {"a": "x"})
    (output / "bad").symlink_to(aim)

    with pytest.raises(StepFailedError, match="output 'model' on datastore 'blobs': 'bad': is a link to"):
        commit_output(any_store, output, destination="d", **WHERE)
    assert contents(any_store) == {}


def test_the_output_itself_must_not_be_a_link(any_store, output):
    """A script cannot put a link where its output goes, to have a file of the host committed."""
    output.symlink_to("/etc/passwd")

    with pytest.raises(StepFailedError, match="is a link; write a file or a folder there"):
        commit_output(any_store, output, destination="d", **WHERE)


def test_pipes_and_sockets_are_refused(any_store, output):
    """What is no file and no folder is named, and never opened (a pipe would block for ever)."""
    output.mkdir()
    os.mkfifo(output / "pipe")
    with pytest.raises(StepFailedError, match="'pipe': is a pipe"):
        commit_output(any_store, output, destination="d", **WHERE)
    (output / "pipe").unlink()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(output / "s"))
        with pytest.raises(StepFailedError, match="'s': is a socket"):
            commit_output(any_store, output, destination="d", **WHERE)


def test_an_output_that_was_not_written_is_the_scripts_error(any_store, output):
    """Nothing at the output's path: the text names output, datastore and path."""
    with pytest.raises(StepFailedError, match=r"output 'model' on datastore 'blobs': nothing was written at '.*model'"):
        commit_output(any_store, output, destination="d", **WHERE)


def test_verify_tells_missing_and_changed_files(any_store, output, write_tree):
    """Each file that is gone or has another size is a sentence."""
    write_tree(output, {"a": "x", "b": "y", "c": "z"})
    manifest = commit_output(any_store, output, destination="d", **WHERE)
    assert verify(any_store, manifest) == []

    any_store.delete("d/a")
    any_store.write("d/b", b"longer")

    assert verify(any_store, manifest) == ["file 'd/a' is missing", "file 'd/b' has 6 bytes, 1 were written"]


def test_a_full_store_shows_nothing_and_says_what_was_full(small_disk, output):
    """ENOSPC names output, datastore and free space; no file and no leftover stays, and room made helps."""
    store = LocalStore(small_disk / "store")
    store.write("ballast", b"x" * 150_000)
    output.mkdir()
    (output / "fits").write_bytes(b"y" * 50_000)
    (output / "too much").write_bytes(b"z" * 100_000)

    with pytest.raises(ServiceException, match=r"output 'model' on datastore 'blobs': .*no space left, .* are free"):
        commit_output(store, output, destination="d", **WHERE)
    assert [place.name for place in store.root.rglob("*") if place.is_file()] == ["ballast"]
    assert read_manifest(store, "run1", "model") is None

    store.delete("ballast")
    assert len(commit_output(store, output, destination="d", **WHERE).files) == 2
