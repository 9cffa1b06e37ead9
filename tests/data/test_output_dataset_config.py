"""Outputs that become datasets: defaults, copies with one origin, tables."""

from __future__ import annotations

import copy
import re

import pytest

from airflow_ml import data
from airflow_ml.core import Workspace
from airflow_ml.data import OutputFileDatasetConfig, output_dataset_config
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.output_dataset_config import OutputTabularDatasetConfig
from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.graph import OutputPort, Registration


@pytest.fixture
def store() -> AzureBlobDatastore:
    """A datastore that is never opened."""
    return AzureBlobDatastore(Workspace("s", "g", "w"), "store", None, None)


def test_defaults_are_v1s() -> None:
    """Random name, default store and path, mode mount."""
    output = OutputFileDatasetConfig()

    assert re.fullmatch(r"output_[0-9a-f]{8}", output.name)
    assert output.has_default_name
    assert output.destination is None
    assert output.to_port() == OutputPort(name=output.name, kind="file_dataset")


@pytest.mark.parametrize("bare", [True, False])
def test_bare_store_is_the_store_with_the_default_path(store: AzureBlobDatastore, bare: bool) -> None:
    """`destination=store` means `(store, None)`."""
    output = OutputFileDatasetConfig("o", destination=store if bare else (store, None))

    assert output.destination == (store, None)
    assert output.to_port().datastore == "store"


@pytest.mark.parametrize("path", ["{run_id}/x", "a/{output-name}/{date}", "{run-id"])
def test_placeholders_that_nothing_fills_in_are_refused(store: AzureBlobDatastore, path: str) -> None:
    """A typing error in a destination is an error when it is made, not a folder of that name."""
    with pytest.raises(UserErrorException, match=r"output 'o'.*there are \{run-id\} and \{output-name\}"):
        OutputFileDatasetConfig("o", destination=(store, path))


@pytest.mark.parametrize("destination", ["path", 5, ("store", "x"), (1, 2, 3)])
def test_other_destinations_are_refused(destination: object) -> None:
    """A destination that is no place raises UserErrorException."""
    with pytest.raises(UserErrorException, match="destination"):
        OutputFileDatasetConfig("o", destination=destination)  # type: ignore[arg-type]  # what is tested


def test_copies_share_their_origin(store: AzureBlobDatastore) -> None:
    """Every method returns a copy by which producer and consumer still find each other."""
    output = OutputFileDatasetConfig("o", destination=(store, "p/{run-id}"))

    copies = [
        output.as_mount(),
        output.as_upload(overwrite=True),
        output.register_on_complete("d"),
        output.read_delimited_files(),
        copy.deepcopy(output),
    ]

    assert all(one is not output and one.origin is output.origin for one in copies)
    assert output.registration is None
    copies[0].producer = "step"
    assert copies[1].producer == "step"
    assert OutputFileDatasetConfig("o").origin is not output.origin


def test_port_says_everything(store: AzureBlobDatastore) -> None:
    """Upload options and registration reach the graph."""
    output = (
        OutputFileDatasetConfig("o", destination=(store, "/p"), source="out")
        .as_upload(overwrite=True, source_globs="*.csv")
        .register_on_complete("d", "text", {"a": "b"})
    )

    assert output.to_port() == OutputPort(
        name="o",
        kind="file_dataset",
        datastore="store",
        mode="upload",
        destination="p",
        path_on_compute="out",
        overwrite=True,
        source_globs="*.csv",
        registration=Registration("d", "text", {"a": "b"}),
    )


def test_input_of_a_file_output_is_mounted() -> None:
    """as_input takes a name or makes one that is marked as made up; both mean this output."""
    output = OutputFileDatasetConfig("o")

    named, unnamed = output.as_input("i"), output.as_input()

    assert (named.name, named.mode, named.has_default_name) == ("i", "mount", False)
    assert unnamed.has_default_name
    assert unnamed.name == output.as_mount().as_input().name
    assert unnamed.dataset is output
    assert unnamed.as_download().has_default_name


def test_table_form_is_direct_and_keeps_its_steps() -> None:
    """read_delimited_files makes a table for consumers and for the registered dataset."""
    table = OutputFileDatasetConfig("o").read_delimited_files(separator=";", path_glob="**/*.txt").keep_columns("a")

    consumed = table.as_input("i")
    port = table.register_on_complete("d").to_port()

    assert consumed.mode == "direct"
    assert table.transformations == {
        "parse": {"format": "delimited", "separator": ";", "file_extension": ".txt"},
        "steps": [{"op": "keep_columns", "columns": ["a"]}],
    }
    assert port.registration is not None
    assert port.registration.transformations == table.transformations


def test_split_of_a_table_gives_both_parts() -> None:
    """random_split differs in the part alone."""
    one, other = OutputFileDatasetConfig("o").read_parquet_files().random_split(0.7, seed=3)

    assert one.transformations["steps"] == [{"op": "split", "percentage": 0.7, "seed": 3, "part": 0}]
    assert other.transformations["steps"] == [{"op": "split", "percentage": 0.7, "seed": 3, "part": 1}]


def test_partition_format_goes_to_the_readers() -> None:
    """partition_format of the output stands in what it is registered as, and in tables read from it."""
    output = OutputFileDatasetConfig("o", partition_format="{a}/*.csv").register_on_complete("d")

    port = output.to_port()

    assert port.registration is not None
    assert port.registration.transformations == {"partition_format": "{a}/*.csv"}
    assert output.read_parquet_files().transformations["partition_format"] == "{a}/*.csv"
    assert output.read_parquet_files(partition_format="{b}/x").transformations["partition_format"] == "{b}/x"


def test_path_glob_chooses_files() -> None:
    """An extension and any other pattern are kept for the reader."""
    output = OutputFileDatasetConfig("o")

    assert output.read_delimited_files(path_glob="**/*.csv").transformations["parse"]["file_extension"] == ".csv"
    assert output.read_delimited_files(path_glob="a/b*.csv").transformations["parse"]["path_glob"] == "a/b*.csv"


def test_upload_takes_one_pattern_or_several() -> None:
    """source_globs is a text or a list, and as_mount drops it."""
    output = OutputFileDatasetConfig("o").as_upload(source_globs=["*.csv", "b/*"])

    assert output.to_port().source_globs == "*.csv;b/*"
    assert OutputFileDatasetConfig("o").as_upload(source_globs="*.csv").to_port().source_globs == "*.csv"
    assert output.as_mount().to_port().source_globs is None


def test_what_v1_refuses_is_a_value_error() -> None:
    """A registration without a name, a tabular output made by hand and a wrong share are ValueErrors as in v1."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        OutputFileDatasetConfig("o").read_parquet_files().random_split(1.5)
    with pytest.raises(ValueError, match="dataset name"):
        OutputFileDatasetConfig("o").register_on_complete("")
    with pytest.raises(ValueError, match="read_delimited_files"):
        OutputTabularDatasetConfig()


@pytest.mark.parametrize("name", ["HDFSOutputDatasetConfig", "LinkFileOutputDatasetConfig"])
def test_rare_outputs_are_refused_when_made(name: str) -> None:
    """HDFS and link outputs can be imported from both of v1's places, and making one says what to do."""
    rare = getattr(data, name)

    assert getattr(output_dataset_config, name) is rare
    with pytest.raises(NotSupportedError, match="OutputFileDatasetConfig"):
        rare("o")


def test_arguments_of_a_wrong_type_are_named() -> None:
    """What is no pattern, no mapping and no name is a user's error that says so."""
    output = OutputFileDatasetConfig("o")

    with pytest.raises(UserErrorException, match="source_globs 5"):
        output.as_upload(source_globs=5)
    with pytest.raises(UserErrorException, match="tags"):
        output.register_on_complete("d", tags=["a"])
    with pytest.raises(UserErrorException, match="set_column_types 'x'"):
        output.read_delimited_files(set_column_types="x")
    with pytest.raises(UserErrorException, match="partition format 5"):
        OutputFileDatasetConfig("o", partition_format=5)
    with pytest.raises(UserErrorException, match="columns 5"):
        output.read_parquet_files().keep_columns(5)


@pytest.mark.parametrize("name", ["a b", "1", "a-b"])
def test_names_are_checked(name: str) -> None:
    """Letters, digits and underscores, no digit first."""
    with pytest.raises(UserErrorException):
        OutputFileDatasetConfig(name)
