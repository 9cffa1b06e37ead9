"""Tables written to datastores: as files, and in partitions."""

# ruff: noqa: DTZ001 - times without a zone are what v1 code writes

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Workspace
from airflow_ml.data import FileDataset, TabularDataset
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.exceptions import NotSupportedError, UserErrorException

_ROWS = "city,year,on,sold\nOslo,2020,2020-01-01,1\nOslo,2021,2020-01-01,2\nBonn,2020,2020-02-01,3\n"


@pytest.fixture
def table(blob: AzureBlobDatastore) -> TabularDataset:
    """Three rows with a text, a number and a date to partition by."""
    Path("sales.csv").write_text(_ROWS)
    blob.upload_files(["sales.csv"], show_progress=False)
    return Dataset.Tabular.from_delimited_files((blob, "sales.csv"))


def test_table_becomes_files(table: TabularDataset) -> None:
    """to_csv_files and to_parquet_files give a file dataset of the rows, the same for the same rows."""
    files = table.keep_columns(["city", "sold"]).take(1).to_csv_files(separator=";")

    (path,) = files.download("out")
    assert Path(path).read_text() == "city;sold\nOslo;1\n"
    assert table.to_parquet_files().definition == table.to_parquet_files().definition
    assert [Path(name).suffix for name in table.to_parquet_files().to_path()] == [".parquet"]


def test_partitions_come_back_with_their_columns(blob: AzureBlobDatastore, table: TabularDataset) -> None:
    """partition_by writes a folder per value; reading gives the same rows with the same types."""
    parted = table.partition_by(["city", "year", "on"], (blob, "parted"), show_progress=False)

    assert isinstance(parted, TabularDataset)
    assert parted.partition_keys == ["city", "year", "on"]
    frame = parted.to_pandas_dataframe().sort_values("sold")
    assert frame["sold"].tolist() == [1, 2, 3]
    assert frame["year"].tolist() == [2020, 2021, 2020]
    assert frame["on"].iloc[2] == datetime(2020, 2, 1)


def test_partition_values_are_listed(blob: AzureBlobDatastore, table: TabularDataset) -> None:
    """get_partition_key_values gives the distinct combinations, of all keys or some, after filters on them."""
    parted = table.partition_by(["city", "year"], (blob, "parted"), show_progress=False)

    assert parted.get_partition_key_values(["city"]) == [{"city": "Bonn"}, {"city": "Oslo"}]
    assert {"city": "Oslo", "year": "2021"} in parted.get_partition_key_values()
    assert parted.filter(parted["city"] == "Bonn").get_partition_key_values(["city"]) == [{"city": "Bonn"}]
    with pytest.raises(UserErrorException, match="'sold'"):
        parted.get_partition_key_values(["sold"])
    with pytest.raises(NotSupportedError, match="take"):
        parted.take(1).get_partition_key_values()
    with pytest.raises(UserErrorException, match="no partition keys"):
        table.get_partition_key_values()


def test_partitions_can_be_files_and_registered(
    workspace: Workspace, blob: AzureBlobDatastore, table: TabularDataset
) -> None:
    """A name registers the result, again as a new version; as file dataset the files are the parts."""
    first = table.partition_by(["city"], blob, name="parts", show_progress=False, partition_as_file_dataset=True)
    second = table.partition_by(["city"], blob, name="parts", show_progress=False, partition_as_file_dataset=True)

    assert isinstance(first, FileDataset)
    assert (first.version, second.version) == (1, 2)
    assert first.to_path() == ["/Bonn/part-00000.parquet", "/Oslo/part-00000.parquet"]
    assert first.get_partition_key_values() == [{"city": "Bonn"}, {"city": "Oslo"}]


@pytest.mark.parametrize("keys", [[], ["nothing"], ["city", "city"], "city", ["city", "year", "on", "sold"]])
def test_wrong_keys_are_refused(blob: AzureBlobDatastore, table: TabularDataset, keys: list[str]) -> None:
    """Keys are a list of some of the columns, each once."""
    with pytest.raises(UserErrorException, match="partition_keys"):
        table.partition_by(keys, (blob, "parted"), show_progress=False)


def test_values_must_be_names_of_folders(blob: AzureBlobDatastore) -> None:
    """A missing value or one with a slash cannot be a folder."""
    Path("bad.csv").write_text("a,b\nx/y,1\n")
    blob.upload_files(["bad.csv"], show_progress=False)

    with pytest.raises(UserErrorException, match="'x/y'"):
        Dataset.Tabular.from_delimited_files((blob, "bad.csv")).partition_by(["a"], blob, show_progress=False)


def test_partition_format_is_checked_at_definition(blob: AzureBlobDatastore) -> None:
    """A format without a column, or a time without a year, fails at once as in v1."""
    with pytest.raises(UserErrorException, match="partition format"):
        Dataset.File.from_files((blob, "raw"), partition_format="no column")
    with pytest.raises(UserErrorException, match="no year"):
        Dataset.Tabular.from_delimited_files((blob, "raw"), partition_format="{day:MM/dd}/x.csv")
