"""Datasets as inputs: names, modes, copies."""

from __future__ import annotations

import logging
from pathlib import PurePosixPath

import pytest

from airflow_ml.core import Dataset, Workspace
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.pipeline.core import PipelineParameter


def test_named_input_is_direct_and_copies_change_the_mode(blob: AzureBlobDatastore) -> None:
    """as_named_input is direct; as_download and as_mount return copies of the same input."""
    dataset = Dataset.File.from_files((blob, "raw"))
    named = dataset.as_named_input("input1")

    downloaded = named.as_download("/data")

    assert (named.mode, named.path_on_compute) == ("direct", None)
    assert (downloaded.mode, downloaded.path_on_compute, downloaded.name) == ("download", "/data", "input1")
    assert downloaded.dataset is named.dataset is dataset
    assert named.as_mount().mode == "mount"
    assert f"{named}" == "$input1"


@pytest.mark.parametrize("name", ["1a", "a b", "a-b", "ä", 5])
def test_names_have_letters_digits_underscores(blob: AzureBlobDatastore, name: str) -> None:
    """Another name raises UserErrorException."""
    with pytest.raises(UserErrorException):
        Dataset.File.from_files((blob, "raw")).as_named_input(name)


def test_name_of_a_shell_variable_only_warns(blob: AzureBlobDatastore, caplog: pytest.LogCaptureFixture) -> None:
    """`path` is taken, with a warning, as in v1."""
    with caplog.at_level(logging.WARNING):
        assert Dataset.File.from_files((blob, "raw")).as_named_input("path").name == "path"

    assert "environment variable" in caplog.text


def test_table_is_direct_only(blob: AzureBlobDatastore) -> None:
    """A table can be neither mounted nor downloaded, and neither can a parameter with a table as default."""
    table = Dataset.Tabular.from_delimited_files((blob, "raw/a.csv"))

    with pytest.raises(UserErrorException, match="table"):
        table.as_named_input("t").as_mount()

    class Parameter:
        name = "p"
        default_value = table

    with pytest.raises(UserErrorException, match="table"):
        DatasetConsumptionConfig("t", Parameter(), mode="download")


def test_other_modes_are_refused(blob: AzureBlobDatastore) -> None:
    """An unknown mode is a user's error; hdfs is not supported."""
    dataset = Dataset.File.from_files((blob, "raw"))

    with pytest.raises(UserErrorException, match="not one of"):
        DatasetConsumptionConfig("a", dataset, mode="copy")
    with pytest.raises(NotSupportedError, match="as_mount"):
        dataset.as_named_input("a").as_hdfs()


def test_mode_is_taken_in_any_case(blob: AzureBlobDatastore) -> None:
    """`mode="Mount"` is `mount`, as in v1."""
    assert DatasetConsumptionConfig("a", Dataset.File.from_files((blob, "raw")), mode="Mount").mode == "mount"


def test_an_empty_name_is_none(blob: AzureBlobDatastore) -> None:
    """An input with the name None or "" gets the name of one that nobody named, as in v1."""
    dataset = Dataset.File.from_files((blob, "raw"))

    assert DatasetConsumptionConfig("", dataset, "mount").name == dataset.as_mount().name
    assert dataset.as_named_input(None).name.startswith("input__")


def test_a_parameter_needs_a_dataset_as_its_default(blob: AzureBlobDatastore) -> None:
    """A PipelineParameter with another default is a user's error, as in v1."""
    with pytest.raises(UserErrorException, match="parameter 'p' has the default 5"):
        DatasetConsumptionConfig("a", PipelineParameter("p", 5))


def test_a_path_is_text_or_a_path(blob: AzureBlobDatastore) -> None:
    """`path_on_compute` may be a Path; something else is said at once."""
    dataset = Dataset.File.from_files((blob, "raw"))

    assert dataset.as_mount(PurePosixPath("data/raw")).path_on_compute == "data/raw"
    with pytest.raises(UserErrorException, match="path_on_compute 5"):
        dataset.as_mount(5)


def test_a_registered_dataset_may_be_named_by_a_tuple(workspace: Workspace, blob: AzureBlobDatastore) -> None:
    """`(workspace, name)` is the latest version and `(workspace, name, version)` one, as in v1."""
    first = Dataset.File.from_files((blob, "raw")).register(workspace, "raw")

    assert DatasetConsumptionConfig("a", (workspace, "raw")).dataset.id == first.id
    assert DatasetConsumptionConfig("a", (workspace, "raw", 1)).dataset.id == first.id
    with pytest.raises(UserErrorException, match="version"):
        DatasetConsumptionConfig("a", (workspace,))


def test_unnamed_inputs_have_stable_names(blob: AzureBlobDatastore) -> None:
    """A dataset without a name gets the same input name on every parse, and another per mode."""
    names = {Dataset.File.from_files((blob, "raw")).as_mount().name for _ in range(2)}

    assert len(names) == 1
    assert names.pop().startswith("input__")
    assert (
        Dataset.File.from_files((blob, "raw")).as_mount().name
        != Dataset.File.from_files((blob, "raw")).as_download().name
    )
