"""Datasets as inputs: names, modes, copies."""

from __future__ import annotations

import logging

import pytest

from airflow_ml.core import Dataset
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.exceptions import NotSupportedError, UserErrorException


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


@pytest.mark.parametrize("name", ["1a", "a b", "a-b", "", None, "ä"])
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


def test_unnamed_inputs_have_stable_names(blob: AzureBlobDatastore) -> None:
    """A dataset without a name gets the same input name on every parse, and another per mode."""
    names = {Dataset.File.from_files((blob, "raw")).as_mount().name for _ in range(2)}

    assert len(names) == 1
    assert names.pop().startswith("input__")
    assert (
        Dataset.File.from_files((blob, "raw")).as_mount().name
        != Dataset.File.from_files((blob, "raw")).as_download().name
    )
