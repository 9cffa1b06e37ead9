"""Tables in time: marked columns, and the rows between two times."""

# ruff: noqa: DTZ001 - times without a zone are what v1 code writes

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from airflow_ml.core import Dataset
from airflow_ml.data import TabularDataset
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.exceptions import DatasetTimestampMissingError, UserErrorException


@pytest.fixture
def table(blob: AzureBlobDatastore) -> TabularDataset:
    """One row a day for four days, in folders by month."""
    for month, days in (("01", ["30", "31"]), ("02", ["01", "02"])):
        folder = Path("series/2020", month)
        folder.mkdir(parents=True)
        rows = [f"2020-{month}-{day} 12:00:00,{day}" for day in days]
        (folder / "data.csv").write_text("\n".join(["at,day", *rows]))
    blob.upload("series", "series", show_progress=False)
    dataset = Dataset.Tabular.from_delimited_files(
        (blob, "series/**/*.csv"), partition_format="{month:yyyy/MM}/data.csv"
    )
    return dataset.with_timestamp_columns("at", "month", validate=True)


def _days(table: TabularDataset) -> list[int]:
    return table.to_pandas_dataframe()["day"].tolist()


def test_rows_between_times(table: TabularDataset) -> None:
    """Bounds belong to the result unless include_boundary is off."""
    plain = table.with_timestamp_columns("at")
    noon = datetime(2020, 1, 31, 12)

    assert _days(plain.time_before(noon)) == [30, 31]
    assert _days(plain.time_before(noon, include_boundary=False)) == [30]
    assert _days(plain.time_after(noon)) == [31, 1, 2]
    assert _days(plain.time_between(noon, datetime(2020, 2, 1, 12))) == [31, 1]
    assert _days(plain.time_recent(timedelta(days=1))) == []


def test_partition_timestamp_is_compared_as_well(table: TabularDataset) -> None:
    """v1's rule: both columns must lie between the bounds."""
    assert _days(table.time_after(datetime(2020, 1, 31))) == [1, 2]


def test_bounds_are_whole_seconds(table: TabularDataset) -> None:
    """The lower bound is floored and the upper one rounded, as in v1."""
    plain = table.with_timestamp_columns("at")

    assert _days(plain.time_after(datetime(2020, 2, 2, 12, 0, 0, 999_999))) == [2]
    assert _days(plain.time_before(datetime(2020, 1, 30, 11, 59, 59, 700_000))) == [30]


def test_frame_is_indexed_by_time(table: TabularDataset) -> None:
    """to_pandas_dataframe sets the timestamp as the index and keeps the column."""
    frame = table.to_pandas_dataframe()

    assert frame.index[0] == frame["at"].iloc[0] == datetime(2020, 1, 30, 12)
    assert frame.index.name is None


def test_marks_go_with_their_columns(table: TabularDataset) -> None:
    """A dropped time column is no longer marked; without the timestamp no mark stays."""
    assert table.timestamp_columns == ("at", "month")
    assert table.keep_columns(["at", "day"]).timestamp_columns == ("at", None)
    assert table.drop_columns("at").timestamp_columns == (None, None)
    assert table.take(1).timestamp_columns == ("at", "month")
    assert table.with_timestamp_columns(None).timestamp_columns == (None, None)
    assert table.with_timestamp_columns(fine_grain_timestamp="day").timestamp_columns == ("day", None)


def test_wrong_marks_are_refused(table: TabularDataset) -> None:
    """A partition timestamp alone, one column for both, unknown arguments, and columns that hold no time."""
    with pytest.raises(UserErrorException, match="needs a timestamp"):
        table.with_timestamp_columns(partition_timestamp="month")
    with pytest.raises(UserErrorException, match="both columns"):
        table.with_timestamp_columns("at", "at")
    with pytest.raises(UserErrorException, match="unknown arguments"):
        table.with_timestamp_columns("at", other=1)
    with pytest.raises(UserErrorException, match="expected datetime"):
        table.with_timestamp_columns("day", validate=True)
    with pytest.raises(UserErrorException, match="no column 'nothing'"):
        table.with_timestamp_columns("nothing").time_after(datetime(2020, 1, 1))


def test_time_filters_need_a_mark(table: TabularDataset) -> None:
    """Without a timestamp column v1's DatasetTimestampMissingError is raised; bounds are datetimes."""
    with pytest.raises(DatasetTimestampMissingError, match="with_timestamp_columns"):
        table.with_timestamp_columns(None).time_before(datetime(2020, 1, 1))
    with pytest.raises(UserErrorException, match="no datetime"):
        table.time_before("2020-01-01")  # type: ignore[arg-type]  # what is tested
