"""Conditions on rows and files, as v1 writes them."""

# ruff: noqa: DTZ001 - times without a zone are what v1 code writes

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Workspace
from airflow_ml.data import DataType, FileDataset, TabularDataset
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.exceptions import NotSupportedError, UserErrorException

_ROWS = "id,name,size,born\n1,ann,3.5,2020-01-01\n2,bob,,2021-06-01\n3,anton,9,2022-01-01\n4,,1,2023-01-01\n"


@pytest.fixture
def table(blob: AzureBlobDatastore) -> TabularDataset:
    """Four rows with numbers, texts, dates and gaps."""
    Path("people.csv").write_text(_ROWS)
    blob.upload_files(["people.csv"], show_progress=False)
    return Dataset.Tabular.from_delimited_files((blob, "people.csv"))


def _ids(table: TabularDataset) -> list[int]:
    return table.to_pandas_dataframe()["id"].tolist()


def test_rows_are_compared_with_values_and_columns(table: TabularDataset) -> None:
    """Comparisons keep the rows that fit; a missing value fits none but !=."""
    assert _ids(table.filter(table["size"] > 3)) == [1, 3]
    assert _ids(table.filter(table["size"] != 9)) == [1, 2, 4]
    assert _ids(table.filter(table["id"] >= 3)) == [3, 4]
    assert _ids(table.filter(table["size"] > table["id"])) == [1, 3]
    assert _ids(table.filter(table["size"] == None)) == [2]  # noqa: E711 - the operator is what is tested


def test_conditions_are_joined(table: TabularDataset) -> None:
    """&, | and ~ join conditions."""
    big, ann = table["size"] > 3, table["name"].starts_with("an")

    assert _ids(table.filter(big & ann)) == [1, 3]
    assert _ids(table.filter(big | (table["id"] == 2))) == [1, 2, 3]
    assert _ids(table.filter(~ann)) == [2, 4]


def test_texts_have_v1s_functions(table: TabularDataset) -> None:
    """Parts, places, lengths and cases of texts; the sign is text, not a pattern."""
    name = table["name"]

    assert _ids(table.filter(name.contains("nt"))) == [3]
    assert _ids(table.filter(name.contains("."))) == []
    assert _ids(table.filter(name.ends_with("n"))) == [1, 3]
    assert _ids(table.filter(name.length() == 3)) == [1, 2]
    assert _ids(table.filter(name.substring(1, 2) == "nn")) == [1]
    assert _ids(table.filter(name.index_of("o") >= 0)) == [2, 3]
    assert _ids(table.filter(name.to_upper() == "BOB")) == [2]
    assert _ids(table.filter(name.is_null())) == [4]


def test_numbers_are_calculated_and_dates_compared(table: TabularDataset) -> None:
    """Arithmetic stands inside conditions, and a date with a zone fits a column without one."""
    assert _ids(table.filter((table["id"] * 2 + 1) % 3 == 0)) == [1, 4]
    assert _ids(table.filter(table["born"] < datetime(2021, 6, 1))) == [1]
    assert _ids(table.filter(table["born"] >= datetime(2022, 1, 1, tzinfo=timezone.utc))) == [3, 4]


def test_filter_is_one_step_among_others(workspace: Workspace, table: TabularDataset) -> None:
    """Steps apply in order, and a filter survives registration."""
    later = table.filter(table["id"] > 1).take(2).filter(table["id"] != 2).register(workspace, "later")

    assert _ids(Dataset.get_by_name(workspace, "later")) == [3]  # type: ignore[arg-type]  # a table
    assert later.definition["steps"][0]["expression"] == {"op": "gt", "args": [{"column": "id"}, {"value": 1}]}


def test_wrong_conditions_say_so(table: TabularDataset) -> None:
    """No expression, a column that is not there, values that do not compare, and `and` instead of `&`."""
    with pytest.raises(UserErrorException, match="no expression"):
        table.filter("id > 3")  # type: ignore[arg-type]  # what is tested
    with pytest.raises(UserErrorException, match="no column 'nothing'"):
        table.filter(table["nothing"] > 3).to_pandas_dataframe()
    with pytest.raises(UserErrorException, match="set the column's type"):
        table.filter(table["name"] > 3).to_pandas_dataframe()
    with pytest.raises(NotSupportedError, match="&"):
        bool(table["id"] > 1)
    with pytest.raises(UserErrorException, match="no name"):
        table[0]  # type: ignore[index]  # what is tested


def test_files_are_chosen_by_attributes(blob: AzureBlobDatastore) -> None:
    """Size, extension and time of files; what stores do not tell is refused."""
    files = Dataset.File.from_files((blob, "raw"))

    assert files.filter(files.file_metadata("Extension") == "txt").to_path() == ["/note.txt"]
    assert len(files.filter(files.file_metadata("Size") > 5).to_path()) == 2
    assert len(files.filter(files.file_metadata("LastModifiedTime") > datetime(2020, 1, 1)).to_path()) == 3
    assert files.filter(files.file_metadata("CanSeek") == False).to_path() == []  # noqa: E712 - v1's own example
    with pytest.raises(NotSupportedError, match="CreationTime"):
        files.file_metadata("CreationTime")


def test_files_are_chosen_by_partition_columns(blob: AzureBlobDatastore) -> None:
    """A partition format gives files columns; without one there are none."""
    files: FileDataset = Dataset.File.from_files((blob, "raw/*/*.csv"), partition_format="{folder}/*.csv")

    assert files.filter(files["folder"] == "b").to_path() == ["/b/c.csv"]
    assert files.filter(files["folder"] != "b").to_path() == []
    with pytest.raises(UserErrorException, match="'other'"):
        files.filter(files["other"] == "b").to_path()


def test_types_that_cannot_be_kept_are_refused(table: TabularDataset) -> None:
    """A value must be a number, text, bool or time."""
    with pytest.raises(UserErrorException, match="cannot be compared"):
        table["id"] == [1, 2]  # noqa: B015 - raises


def test_set_types_apply_before_the_filter(blob: AzureBlobDatastore) -> None:
    """A column is compared as the type that the definition sets."""
    table = Dataset.Tabular.from_delimited_files((blob, "raw/a.csv"), set_column_types={"x": DataType.to_string()})

    assert table.filter(table["x"] == "1").to_pandas_dataframe()["y"].tolist() == ["one"]
