"""Tables over files, inside a step."""

from __future__ import annotations

import os

from airflow_ml._late import late
from airflow_ml.exceptions import UserErrorException
from airflow_ml.runtime.dataset_base import AbstractDataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime as datetimes
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta
    from typing import Any

    from pandas import DataFrame

    from airflow_ml.runtime import dataset_writing, frames, table_times
    from airflow_ml.runtime.dataset_writing import Target
    from airflow_ml.runtime.file_datasets import FileDataset
else:
    dataset_writing = late("airflow_ml.runtime.dataset_writing")
    datetimes = late("datetime")
    frames = late("airflow_ml.runtime.frames")
    table_times = late("airflow_ml.runtime.table_times")

__all__ = ["TabularDataset"]


class TabularDataset(AbstractDataset):
    """A table over files."""

    _elsewhere: tuple[str, ...] = (
        *AbstractDataset._elsewhere,
        "as_mount",
        "download",
        "get_profile",
        "get_profile_runs",
        "mount",
        "submit_profile_run",
        "to_dask_dataframe",
        "to_spark_dataframe",
    )
    _instead: Mapping[str, str] = {
        "download": "tables have no stream columns; define the files themselves with Dataset.File.from_files",
        "get_profile": "use to_pandas_dataframe().describe()",
        "get_profile_runs": "use to_pandas_dataframe().describe()",
        "mount": "tables have no stream columns; define the files themselves with Dataset.File.from_files",
        "submit_profile_run": "use to_pandas_dataframe().describe()",
        "to_dask_dataframe": "use to_pandas_dataframe()",
        "to_spark_dataframe": "use to_pandas_dataframe()",
    }

    def to_pandas_dataframe(self, on_error: str = "null", out_of_range_datetime: str = "null") -> DataFrame:
        """
        Read the whole table.

        Args:
            on_error: `null` makes values that are not of their column's type null, `fail` raises for them.
            out_of_range_datetime: the same for times that pandas cannot hold.

        Raises:
            UserErrorException: a file is not as the definition says, or an option has another value.
            RunEnvironmentException: pandas, or pyarrow for parquet, is not in the step's environment.
        """
        for option, value in (("on_error", on_error), ("out_of_range_datetime", out_of_range_datetime)):
            if value not in ("null", "fail"):
                raise UserErrorException(f"to_pandas_dataframe: {option} {value!r} is neither 'null' nor 'fail'")
        staged = self._stage()
        files = [(os.path.join(staged["root"], path), path) for path in staged["files"]]
        strict = "fail" in (on_error, out_of_range_datetime)
        return frames.read_frame(staged["definition"], files, strict=strict)

    def keep_columns(self, columns: str | Sequence[str], validate: bool = False) -> TabularDataset:
        """
        Return a dataset of these columns.

        Args:
            validate: read the table's head now and fail if a column is missing; otherwise it fails when it is read.
        """
        names = [columns] if isinstance(columns, str) else list(columns)
        kept = self._with_columns("keep_columns", names, lambda name: name in names)
        if validate:
            kept.take(1).to_pandas_dataframe()
        return kept

    def drop_columns(self, columns: str | Sequence[str]) -> TabularDataset:
        """Return a dataset without these columns; a column that is not there is an error when the table is read."""
        names = [columns] if isinstance(columns, str) else list(columns)
        return self._with_columns("drop_columns", names, lambda name: name not in names)

    def with_timestamp_columns(
        self,
        timestamp: str | None = None,
        partition_timestamp: str | None = None,
        validate: bool = False,
        **kwargs: Any,
    ) -> TabularDataset:
        """
        Return the table with these columns marked as its time, which `time_before` and its neighbours need.

        Args:
            timestamp: column with the time of each row; None takes the marks away.
            partition_timestamp: column with the same time in a coarser grain, taken from the paths.
            validate: read the table's head now and fail unless the columns are there and hold times.
            **kwargs: v1's old names `fine_grain_timestamp` and `coarse_grain_timestamp`.

        Raises:
            UserErrorException: a partition timestamp alone, one column for both, or old and new names together.
        """
        marked = self._of(table_times.marked(self._definition, timestamp, partition_timestamp, kwargs))
        return marked._checked("with_timestamp_columns") if validate else marked

    @property
    def timestamp_columns(self) -> tuple[str | None, str | None]:
        """Names of the timestamp and the partition timestamp column; None for one that is not marked."""
        return table_times.time_columns(self._definition)

    def time_after(self, start_time: datetime, include_boundary: bool = True, validate: bool = True) -> TabularDataset:
        """
        Return the rows from a time on, by the columns of `with_timestamp_columns`.

        Args:
            start_time: without a zone it means UTC; its fraction of a second is cut off.
            include_boundary: rows of that very second as well.
            validate: read the table's head now and fail unless the time columns hold times.

        Raises:
            DatasetTimestampMissingError: no timestamp column is marked.
        """
        return self._between(start_time, None, include_boundary, validate, where="time_after")

    def time_before(self, end_time: datetime, include_boundary: bool = True, validate: bool = True) -> TabularDataset:
        """Return the rows up to a time, rounded to the second; otherwise as `time_after`."""
        return self._between(None, end_time, include_boundary, validate, where="time_before")

    def time_between(
        self, start_time: datetime, end_time: datetime, include_boundary: bool = True, validate: bool = True
    ) -> TabularDataset:
        """Return the rows between two times; see `time_after` and `time_before`."""
        return self._between(start_time, end_time, include_boundary, validate, where="time_between")

    def time_recent(
        self, time_delta: timedelta, include_boundary: bool = True, validate: bool = True
    ) -> TabularDataset:
        """Return the rows of the last `time_delta` before now, by the machine's clock; see `time_after`."""
        start = datetimes.datetime.now() - time_delta
        return self._between(start, None, include_boundary, validate, where="time_recent")

    def to_csv_files(self, separator: str = ",") -> FileDataset:
        """Write the table as a CSV file to the workspace's default datastore and return that file."""
        return dataset_writing.to_files(self, separator)

    def to_parquet_files(self) -> FileDataset:
        """Write the table as a parquet file to the workspace's default datastore and return that file."""
        return dataset_writing.to_files(self, None)

    def partition_by(
        self,
        partition_keys: Sequence[str],
        target: Target,
        name: str | None = None,
        show_progress: bool = True,
        partition_as_file_dataset: bool = False,
    ) -> FileDataset | TabularDataset:
        """
        Write the table as parquet files, in folders by the values of columns, and return them as a dataset.

        Args:
            partition_keys: the columns, outermost folder first.
            target: `(datastore, 'folder')`, a DataPath or a datastore; a new folder is made in it.
            name: register the result under this name, as a new version if it is taken.
            show_progress: not used: the operator's log has the progress.
            partition_as_file_dataset: return the files instead of a table.

        Raises:
            UserErrorException: keys that are no columns, or values that cannot name a folder.
        """
        return dataset_writing.partition(self, partition_keys, target, name, as_files=partition_as_file_dataset)

    def _with_columns(self, op: str, names: list[str], is_kept: Callable[[str], bool]) -> TabularDataset:
        changed = self._with(op=op, columns=names)
        return self._of(table_times.without_dropped(changed._definition, is_kept))

    def _between(
        self, start: datetime | None, end: datetime | None, include_boundary: bool, validate: bool, *, where: str
    ) -> TabularDataset:
        step = table_times.between(self._definition, start, end, include_boundary=include_boundary, where=where)
        return (self._checked(where) if validate else self)._with(**step)

    def _checked(self, where: str) -> TabularDataset:
        """Return the table itself after a look at its time columns."""
        head = self._of(table_times.marked(self._definition, None, None, {})).take(1)
        table_times.check_times(head.to_pandas_dataframe(), self._definition, where=where)
        return self
