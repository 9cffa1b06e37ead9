"""Dataset objects: immutable, registered in versions, read on this machine."""

from __future__ import annotations

import json
import uuid
from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Workspace
from airflow_ml.data import DataType, FileDataset, TabularDataset
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.exceptions import DatasetNotFoundError, NotSupportedError, UserErrorException
from airflow_ml.graph import DatasetSource


def test_transformations_return_new_objects(blob: AzureBlobDatastore) -> None:
    """take, skip and their kind leave the dataset as it is."""
    files = Dataset.File.from_files((blob, "raw/**"))

    picked = files.skip(1).take(1)

    assert len(files.to_path()) == 3
    assert picked.to_path() == ["/b/c.csv"]
    assert "steps" not in files.definition


def test_random_split_parts_are_whole_and_repeatable(blob: AzureBlobDatastore) -> None:
    """Both parts together are the dataset; without a seed the same code makes the same split."""
    files = Dataset.File.from_files((blob, "raw/**"))

    one, other = files.random_split(0.5)
    again, _ = files.random_split(0.5)

    assert sorted(one.to_path() + other.to_path()) == sorted(files.to_path())
    assert one.definition == again.definition


@pytest.mark.parametrize("share", [-0.1, 1.5, True, "half"])
def test_shares_lie_between_0_and_1(blob: AzureBlobDatastore, share: object) -> None:
    """Another percentage or probability raises UserErrorException."""
    files = Dataset.File.from_files((blob, "raw"))

    with pytest.raises(UserErrorException):
        files.random_split(share)  # type: ignore[arg-type]  # what is tested
    with pytest.raises(UserErrorException):
        files.take_sample(share)  # type: ignore[arg-type]  # what is tested


def test_table_is_read_with_its_steps(blob: AzureBlobDatastore) -> None:
    """to_pandas_dataframe applies columns and rows in order."""
    table = Dataset.Tabular.from_delimited_files((blob, "raw/**/*.csv")).keep_columns(["x"]).skip(1)

    frame = table.to_pandas_dataframe()

    assert list(frame.columns) == ["x"]
    assert frame["x"].tolist() == [2, 3]


def test_wrong_value_becomes_null_or_fails(blob: AzureBlobDatastore) -> None:
    """on_error='fail' raises for a value that is not of its column's type, 'null' makes it missing."""
    table = Dataset.Tabular.from_delimited_files((blob, "raw/a.csv"), set_column_types={"y": DataType.to_long()})

    assert table.to_pandas_dataframe()["y"].isna().all()
    with pytest.raises(UserErrorException):
        table.to_pandas_dataframe(on_error="fail")
    with pytest.raises(UserErrorException, match="neither 'null' nor 'fail'"):
        table.to_pandas_dataframe(on_error="raise")


def test_register_gives_versions(workspace: Workspace, blob: AzureBlobDatastore) -> None:
    """A name counts its versions from 1, and the object returned is a new one."""
    first = Dataset.File.from_files((blob, "raw/a.csv"))

    registered = first.register(workspace, "numbers", description="d", tags={"a": "b"})
    second = first.take(1).register(workspace, "numbers", create_new_version=True)

    assert (first.name, first.version) == (None, None)
    assert (registered.name, registered.version, registered.description) == ("numbers", 1, "d")
    assert registered.tags == {"a": "b"}
    assert second.version == 2


def test_taken_name_needs_create_new_version(workspace: Workspace, blob: AzureBlobDatastore) -> None:
    """An existing name, and an identical definition, raise UserErrorException with the way out."""
    dataset = Dataset.File.from_files((blob, "raw/a.csv"))
    dataset.register(workspace, "numbers")

    with pytest.raises(UserErrorException, match="create_new_version"):
        dataset.take(1).register(workspace, "numbers")
    with pytest.raises(UserErrorException, match="version 1"):
        dataset.register(workspace, "numbers", create_new_version=True)


def test_registered_dataset_is_found_by_name_and_id(workspace: Workspace, blob: AzureBlobDatastore) -> None:
    """get_by_name, get_by_id and the workspace's collection give the class of the kind."""
    table = Dataset.Tabular.from_delimited_files((blob, "raw/a.csv")).register(workspace, "table")
    Dataset.File.from_files((blob, "raw/a.csv")).register(workspace, "file")

    assert table.id is not None
    assert isinstance(Dataset.get_by_id(workspace, table.id), TabularDataset)
    assert isinstance(Dataset.get_by_name(workspace, "file", version=1), FileDataset)
    assert set(workspace.datasets) == {"table", "file"}
    assert "nothing" not in workspace.datasets


def test_missing_dataset_raises(workspace: Workspace) -> None:
    """An unknown name, version or id raises DatasetNotFoundError."""
    with pytest.raises(DatasetNotFoundError):
        Dataset.get_by_name(workspace, "nothing")
    with pytest.raises(DatasetNotFoundError):
        Dataset.get_by_id(workspace, str(uuid.uuid4()))
    with pytest.raises(KeyError):
        workspace.datasets["nothing"]


def test_saving_gives_equal_definitions_one_id(workspace: Workspace, blob: AzureBlobDatastore) -> None:
    """ensure_saved gives a guid, and the same one for the same definition."""
    one, other = (Dataset.File.from_files((blob, "raw")) for _ in range(2))

    assert one.id is None
    assert one.ensure_saved(workspace) == other.ensure_saved(workspace) == one.id
    assert one.source == DatasetSource(definition=one.definition, saved_id=one.id)


def test_tags_and_description_change_the_registered_version(workspace: Workspace, blob: AzureBlobDatastore) -> None:
    """add_tags, remove_tags and update return the version as it is now."""
    dataset = Dataset.File.from_files((blob, "raw")).register(workspace, "d", tags={"a": "1"})

    changed = dataset.add_tags({"b": "2"}).remove_tags(["a"]).update(description="new")

    assert dataset.tags == {"a": "1"}
    assert Dataset.get_by_name(workspace, "d").tags == changed.tags == {"b": "2"}
    assert changed.description == "new"


def test_unregistered_dataset_cannot_be_tagged(blob: AzureBlobDatastore) -> None:
    """v1 returned an exception object there; here it is raised."""
    with pytest.raises(UserErrorException, match="not registered"):
        Dataset.File.from_files((blob, "raw")).add_tags({"a": "b"})


def test_unregister_forgets_the_name(workspace: Workspace, blob: AzureBlobDatastore) -> None:
    """All versions of a name can be forgotten."""
    dataset = Dataset.File.from_files((blob, "raw")).register(workspace, "d")

    dataset.unregister_all_versions()

    assert "d" not in workspace.datasets


def test_download_returns_local_paths(blob: AzureBlobDatastore) -> None:
    """Files arrive at their paths inside the dataset; an existing one needs overwrite."""
    dataset = Dataset.File.from_files((blob, "raw/**/*.csv"))

    paths = dataset.download("here")

    assert [Path(path).relative_to(Path.cwd()).as_posix() for path in paths] == ["here/a.csv", "here/b/c.csv"]
    with pytest.raises(UserErrorException, match="overwrite"):
        dataset.download("here")
    assert dataset.download("here", overwrite=True) == paths


def test_download_of_nothing_can_be_wanted(blob: AzureBlobDatastore) -> None:
    """ignore_not_found turns missing data into an empty list."""
    dataset = Dataset.File.from_files((blob, "missing/"))

    assert dataset.download(ignore_not_found=True) == []
    with pytest.raises(DatasetNotFoundError):
        dataset.download()


def test_mount_is_a_folder_for_the_time_of_the_block(blob: AzureBlobDatastore) -> None:
    """mount() gives a path that is gone afterwards."""
    with Dataset.File.from_files((blob, "raw/*.txt")).mount() as context:
        folder = Path(context.mount_point)
        assert (folder / "note.txt").read_text() == "hello"

    assert not folder.exists()


def test_a_tag_keeps_its_value(workspace: Workspace, blob: AzureBlobDatastore) -> None:
    """add_tags refuses another value for a key that is there, as v1 does; the same value is fine."""
    dataset = Dataset.File.from_files((blob, "raw")).register(workspace, "d", tags={"a": "1"})

    assert dataset.add_tags({"a": "1", "b": "2"}).tags == {"a": "1", "b": "2"}
    with pytest.raises(UserErrorException, match="remove_tags"):
        dataset.add_tags({"a": "2"})


def test_unregistering_what_is_not_registered_is_nothing(blob: AzureBlobDatastore) -> None:
    """v1 does nothing there either."""
    Dataset.File.from_files((blob, "raw")).unregister_all_versions()


def test_factories_stand_on_every_dataset_class() -> None:
    """FileDataset.File and TabularDataset.Tabular are the factories of Dataset, as in v1."""
    assert FileDataset.File is TabularDataset.File is Dataset.File
    assert FileDataset.Tabular is Dataset.Tabular


def test_features_without_a_counterpart_say_so(workspace: Workspace, blob: AzureBlobDatastore) -> None:
    """Spark, streams and profiles raise NotSupportedError with the way out."""
    table = Dataset.Tabular.from_delimited_files((blob, "raw/a.csv"))

    with pytest.raises(NotSupportedError, match="to_pandas_dataframe"):
        table.to_spark_dataframe()
    with pytest.raises(NotSupportedError, match="describe"):
        table.get_profile()
    with pytest.raises(NotSupportedError, match="as_mount"):
        Dataset.File.from_files((blob, "raw")).as_hdfs()
    with pytest.raises(NotSupportedError, match=r"Dataset\.File"):
        DataType.to_stream(workspace)


def test_printing_a_dataset_shows_no_secret(workspace: Workspace) -> None:
    """The query of a web address is a token often; printing leaves it and a password out (v1 printed them)."""
    files = Dataset.File.from_files("https://user:pass@account.blob.core.windows.net/c/x.csv?sv=1&sig=token")

    shown = json.loads(str(files).partition("\n")[2])

    assert shown["source"] == ["https://account.blob.core.windows.net/c/x.csv"]


def test_printing_a_dataset_shows_v1_s_json(workspace: Workspace) -> None:
    """Class, then JSON with sources as v1 writes them and the registration; templates take paths out of it."""
    store = workspace.get_default_datastore()
    files = Dataset.File.from_files([(store, "a"), (store, "b")]).take(2).register(workspace, "both", tags={"k": "v"})

    first, _, rest = str(files).partition("\n")

    assert first == "FileDataset"
    assert json.loads(rest) == {
        "source": ["('workspaceblobstore', 'a')", "('workspaceblobstore', 'b')"],
        "definition": ["take"],
        "registration": {
            "id": files.id,
            "name": "both",
            "version": 1,
            "tags": {"k": "v"},
            "workspace": repr(workspace),
        },
    }
