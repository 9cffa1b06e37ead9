"""Whether outputs are still there as they were committed."""

import errno
import hashlib
import os
from dataclasses import replace
from datetime import datetime, timezone
from types import SimpleNamespace

import pytest

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.registry import Home, OutputRecord
from airflow_ml.reuse.verification import verify_output, verify_outputs
from airflow_ml.storage.commit import commit_output
from airflow_ml.storage.contents import Contents
from airflow_ml.storage.files import hash_file
from airflow_ml.storage.local import LocalStore
from airflow_ml.storage.manifests import manifest_path
from airflow_ml.storage.protocol import FileInfo

FILES = {"a": "one", "b": "two", "sub/c": "three"}
POLICIES = ("exists", "size", "content")


@pytest.fixture
def store(tmp_path):
    """A local store."""
    return LocalStore(tmp_path / "store")


@pytest.fixture
def contents(tmp_path):
    """What is remembered of files that were read."""
    return Contents(tmp_path / "contents")


@pytest.fixture
def commit(store, tmp_path):
    """Function that commits files as an output and returns its record."""

    def commit(files=FILES, *, run_id="run1", name="model", destination="azureml/run1/model"):
        source = tmp_path / f"written {run_id} {name}"
        if isinstance(files, str):
            source.write_text(files)
        else:
            source.mkdir()
            for path, text in files.items():
                (source / path).parent.mkdir(exist_ok=True)
                (source / path).write_text(text)
        manifest = commit_output(store, source, destination=destination, run_id=run_id, output=name, datastore="blobs")
        return OutputRecord(
            run_id=run_id,
            name=name,
            kind="pipeline_data",
            datastore="blobs",
            path=manifest.path,
            is_file=manifest.is_file,
            digest=manifest.digest,
            manifest_path=manifest_path(run_id, name),
            files=len(manifest.files),
            size=manifest.size,
            committed_at=datetime.now(timezone.utc),
            identity=manifest.identity,
        )

    return commit


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("files", [FILES, {}, "one file"])
def test_an_untouched_output_is_sound(store, contents, commit, files, policy):
    """A folder, an empty folder and a file are sound by every policy."""
    assert verify_output(store, commit(files), policy, contents) is None


@pytest.mark.parametrize("policy", POLICIES)
def test_files_that_are_gone_are_named(store, contents, commit, policy):
    """Missing files make the output a deleted one, with their number and the first names."""
    record = commit()
    store.delete("azureml/run1/model/b")
    store.delete("azureml/run1/model/sub/c")

    found = verify_output(store, record, policy, contents)

    assert found == "output deleted: model: 2 of 3 files are missing ('b', 'sub/c')"


@pytest.mark.parametrize("policy", POLICIES)
def test_a_folder_and_a_file_that_are_gone(store, contents, commit, policy):
    """An output of which nothing is left is a deleted one, also the empty folder and the one file."""
    records = [
        commit("one", name="file", destination="f"),
        commit({}, name="empty", destination="e"),
        commit(name="all"),
    ]
    for record in records:
        store.delete(record.path, recursive=True)

    assert [verify_output(store, record, policy, contents) for record in records] == [
        "output deleted: file: 1 of 1 file is missing ('f')",
        "output deleted: empty: the folder 'e' is missing",
        "output deleted: all: 3 of 3 files are missing ('a', 'b', 'sub/c')",
    ]


def test_many_files_are_counted(store, contents, commit):
    """Three names stand for all."""
    record = commit({str(number): "x" for number in range(1000, 3000)})
    store.delete(record.path, recursive=True)

    found = verify_output(store, record, "size", contents)

    assert found.endswith("2,000 of 2,000 files are missing ('1000', '1001', '1002' and 1,997 more)")


@pytest.mark.parametrize("left", [None, b""])
def test_an_output_without_a_manifest_is_deleted(store, contents, commit, left):
    """An output exists by its manifest; an empty one is none."""
    record = commit()
    store.delete(record.manifest_path)
    if left is not None:
        store.write(record.manifest_path, left)

    found = verify_output(store, record, "exists", contents)

    assert found == "output deleted: model: its manifest is not on datastore 'blobs' any more"


@pytest.mark.parametrize("cut", [0.3, 0.99])
def test_a_damaged_manifest_is_a_change(store, contents, commit, cut):
    """A manifest that ends in the middle is no error of the store; the step runs again."""
    record = commit()
    text = (store.root / record.manifest_path).read_bytes()
    store.write(record.manifest_path, text[: int(len(text) * cut)])

    assert verify_output(store, record, "exists", contents) == "output changed: model: its manifest cannot be read"


@pytest.mark.parametrize("policy", POLICIES)
def test_another_manifest_than_the_recorded_one_is_a_change(store, contents, commit, policy):
    """What the registry recorded holds, whatever was written over the manifest together with the files."""
    record = commit()
    other = commit({**FILES, "a": "six"}, run_id="run2", destination=record.path)
    (store.root / other.manifest_path).replace(store.root / record.manifest_path)

    found = verify_output(store, record, policy, contents)

    assert found == "output changed: model: its manifest does not list the files that were recorded"


def test_other_sizes_are_a_change(store, contents, commit):
    """Another size is enough for the default policy; `exists` does not ask."""
    record = commit()
    store.write("azureml/run1/model/b", b"longer")

    assert verify_output(store, record, "exists", contents) is None
    for policy in ("size", "content"):
        found = verify_output(store, record, policy, contents)
        assert found == "output changed: model: 1 of 3 files is different ('b')"


@pytest.mark.parametrize("way", ["in place", "replaced"])
def test_content_changed_under_size_and_time_is_seen(store, contents, commit, way):
    """Other bytes of the same size, the modification time set back: the change time or the inode tells."""
    record = commit()
    place = store.local_path("azureml/run1/model/b")
    before = place.stat()
    if way == "replaced":
        place.unlink()
    place.write_text("tow")
    os.utime(place, ns=(before.st_atime_ns, before.st_mtime_ns))

    found = verify_output(store, record, "size", contents)

    assert found == "output changed: model: 1 of 3 files is different ('b')"


def test_a_touched_file_is_sound_because_its_content_decides(store, contents, commit):
    """Times and inodes alone (a moved store, other permissions) do not make an output a changed one."""
    record = commit()
    for path in ("a", "b"):
        place = store.local_path(f"azureml/run1/model/{path}")
        text = place.read_text()
        place.unlink()
        place.write_text(text)
    os.utime(store.local_path("azureml/run1/model/sub/c"))

    assert verify_output(store, record, "size", contents) is None


def test_what_was_read_is_remembered(store, commit, tmp_path, monkeypatch):
    """A touched file is read at the first look alone, also by other processes; `content` reads it at every look."""
    record = commit("the content")
    os.utime(store.local_path(record.path), (1, 1))
    reads = []
    monkeypatch.setattr("airflow_ml.storage.contents.is_settled", lambda *_: True)
    monkeypatch.setattr("airflow_ml.storage.contents.hash_file", lambda place: reads.append(place) or hash_file(place))
    for policy in ("size", "size", "content", "content"):
        contents = Contents(tmp_path / "contents")

        assert verify_output(store, record, policy, contents) is None
        contents.save()
    assert len(reads) == 3


def test_a_file_that_was_changed_a_moment_ago_is_not_remembered(store, commit, tmp_path, monkeypatch):
    """Another change in the same moment would leave no trace, so its digest is not kept."""
    record = commit("the content")
    os.utime(store.local_path(record.path), (1, 1))
    contents = Contents(tmp_path / "contents")
    assert verify_output(store, record, "size", contents) is None
    monkeypatch.setattr("airflow_ml.storage.contents.hash_file", lambda _place: (11, "other"))

    assert verify_output(store, record, "size", contents) == "output changed: model: 1 of 1 file is different ('model')"


def test_bytes_that_changed_without_any_trace_are_seen_by_content(store, contents, commit):
    """What no time tells (a broken disk) is found by the policy that reads every byte."""
    record = commit()
    manifest_text = (store.root / record.manifest_path).read_text()
    place = store.local_path("azureml/run1/model/b")
    old = store.stat("azureml/run1/model/b").etag
    place.write_text("tow")
    # As if the ETag had stayed: the manifest is given the new one.
    store.write(record.manifest_path, manifest_text.replace(old, store.stat("azureml/run1/model/b").etag).encode())

    assert verify_output(store, record, "size", contents) is None
    assert "1 of 3 files is different ('b')" in verify_output(store, record, "content", contents)


def test_a_file_added_to_the_runs_own_folder_is_a_change(store, contents, commit):
    """Consumers in direct mode read the folder as it is; `exists` does not look for more than it needs."""
    record = commit()
    store.write("azureml/run1/model/b2", b"new")
    store.write("azureml/run1/model/z", b"new")

    found = [verify_output(store, record, policy, contents) for policy in POLICIES]

    assert found == [None, *["output changed: model: 2 files were added ('b2', 'z')"] * 2]


def test_files_of_others_in_a_shared_destination_are_no_change(store, contents, commit):
    """Where runs write into one folder, only the output's own files count, and they do count."""
    mine = commit({"a": "one"}, destination="shared")
    theirs = commit({"b": "two"}, run_id="run2", destination="shared")
    assert [verify_output(store, record, "size", contents) for record in (mine, theirs)] == [None, None]

    commit({"b": "other"}, run_id="run3", destination="shared")

    assert verify_output(store, mine, "size", contents) is None
    assert verify_output(store, theirs, "size", contents) == "output changed: model: 1 of 1 file is different ('b')"


def test_a_stores_own_digest_saves_reading(commit, store, contents):
    """Where a store keeps the sha256 of a blob, another ETag needs no download."""
    record = commit({"a": "one"})
    digest = {"value": f"sha256:{hashlib.sha256(b'one').hexdigest()}"}

    class Blobs:
        """A store that keeps digests and cannot be read."""

        def open_read(self, path):
            assert path == record.manifest_path
            return store.open_read(path)

        def local_path(self, path):
            return None

        def list(self, folder):
            return iter([FileInfo(f"{folder}/a", 3, "0x1", datetime.now(timezone.utc), digest["value"])])

    assert verify_output(Blobs(), record, "content", contents) is None
    digest["value"] = "sha256:00"
    assert verify_output(Blobs(), record, "size", contents) == "output changed: model: 1 of 1 file is different ('a')"


class Failing(LocalStore):
    """A store whose disk fails at one call."""

    def __init__(self, root, call):
        super().__init__(root)
        self.call = call

    def list(self, folder="", *, recursive=True):
        """Fail when the files are listed."""
        if self.call == "list":
            raise ServiceException("the share is not connected")
        return super().list(folder, recursive=recursive)

    def open_read(self, path):
        """Fail when a byte is read."""
        if self.call == "open":
            raise ServiceException("the share is not connected")
        return super().open_read(path)


@pytest.mark.parametrize("call", ["list", "open"])
def test_a_store_that_does_not_answer_is_no_deleted_output(store, contents, commit, call):
    """The error goes up: hours of computing are not repeated because of a cable."""
    record = commit()

    with pytest.raises(ServiceException, match="not connected"):
        verify_output(Failing(store.root, call), record, "size", contents)


def test_an_error_while_a_file_is_read_goes_up(store, contents, commit, monkeypatch):
    """What a disk says in the middle of a file is an error that names output, run and datastore."""
    record = commit()
    os.utime(store.local_path("azureml/run1/model/b"))

    def fail(_place):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("airflow_ml.storage.contents.hash_file", fail)

    with pytest.raises(
        ServiceException, match=r"output 'model' of run 'run1': datastore 'blobs' cannot be read: .*Input"
    ):
        verify_output(store, record, "size", contents)


def context_of(tmp_path, **stores):
    """Return what of a context is needed here."""

    def store_of(name):
        if name not in stores:
            raise UserErrorException(f"datastore {name!r} is not in the workspace")
        return stores[name]

    return SimpleNamespace(home=Home(tmp_path / "home"), store=store_of)


def test_several_outputs_are_answered_in_their_order(store, commit, tmp_path):
    """Each has its own answer, also when it is asked for twice, and an unknown datastore is one."""
    records = [commit({"a": str(number)}, run_id=f"run{number}", destination=f"d/run{number}") for number in range(20)]
    store.delete("d/run7/a")
    lost = replace(records[0], datastore="gone")

    found = verify_outputs(
        context_of(tmp_path, blobs=store), [(record, "size") for record in [*records, *records, lost]]
    )

    assert found[-1] == "output deleted: model: the workspace has no datastore 'gone' any more"
    assert [number for number, reason in enumerate(found[:-1]) if reason] == [7, 27]


def test_an_output_inside_another_one_of_its_run_is_no_added_file(store, commit, tmp_path):
    """Destinations of one run may lie in each other."""
    records = [
        commit({"a": "x"}, name="whole", destination="d/run1"),
        commit({"b": "y"}, name="part", destination="d/run1/part"),
    ]

    assert verify_outputs(context_of(tmp_path, blobs=store), [(record, None) for record in records]) == [None, None]
    store.write("d/run1/other", b"z")
    assert verify_outputs(context_of(tmp_path, blobs=store), [(record, None) for record in records]) == [
        "output changed: whole: 1 file was added ('other')",
        None,
    ]


def test_an_output_is_not_beside_itself(store, commit, tmp_path):
    """An added file is seen by each of several policies that look at one output."""
    record = commit({"a": "x"}, destination="d/run1")
    store.write("d/run1/other", b"z")

    found = verify_outputs(
        context_of(tmp_path, blobs=store), [(replace(record), policy) for policy in ("exists", "size", "content")]
    )

    assert found == [None, *["output changed: model: 1 file was added ('other')"] * 2]


def test_a_collected_output_is_a_deleted_one(store, contents, commit):
    """The mark of collection counts before the files are gone."""
    record = replace(commit(), collected_at=datetime(2026, 11, 2, tzinfo=timezone.utc))

    assert verify_output(store, record, "exists", contents) == "output deleted: model: it was collected on 2026-11-02"
