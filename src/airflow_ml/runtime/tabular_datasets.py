"""Tables over files, inside a step."""

from __future__ import annotations

import os

from airflow_ml._late import late
from airflow_ml.exceptions import UserErrorException
from airflow_ml.runtime.dataset_base import AbstractDataset
from airflow_ml.runtime.timed_table import TimedTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pandas import DataFrame

    from airflow_ml.runtime import dataset_writing, frames, table_times
    from airflow_ml.runtime.dataset_writing import Target
    from airflow_ml.runtime.file_datasets import FileDataset
else:
    dataset_writing = late("airflow_ml.runtime.dataset_writing")
    frames = late("airflow_ml.runtime.frames")
    table_times = late("airflow_ml.runtime.table_times")

__all__ = ["TabularDataset"]


class TabularDataset(TimedTable, AbstractDataset):
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

    def _checked(self, where: str) -> TabularDataset:
        """Return the table itself after a look at its time columns."""
        head = self._derived(table_times.marked(self.definition, None, None, {})).take(1)
        table_times.check_times(head.to_pandas_dataframe(), self.definition, where=where)
        return self
