"""Tables read from files (`azureml.data.tabular_dataset`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.data.abstract_dataset import AbstractDataset, check_count, check_share
from airflow_ml.exceptions import NotSupportedError, UserErrorException

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from typing import NoReturn

    import pandas as pd

    from airflow_ml.data import _reading
    from airflow_ml.graph.model import Json
else:
    _reading = late("airflow_ml.data._reading")

__all__ = ["TabularDataset"]

_ON_ERROR = ("null", "fail")


class TabularDataset(AbstractDataset):
    """
    A table, by reference: files and how they are parsed.

    Made by `Dataset.Tabular.from_delimited_files` and its neighbours. As a step's input the script gets the dataset
    itself (mode `direct`).
    """

    kind = "tabular"

    def to_pandas_dataframe(self, on_error: str = "null", out_of_range_datetime: str = "null") -> pd.DataFrame:
        """
        Read the whole table into memory.

        Args:
            on_error: a value that is not of its column's type becomes missing (`null`), or fails the call (`fail`).
            out_of_range_datetime: the same for dates that pandas cannot hold.

        Raises:
            DatasetNotFoundError: the files are not there.
            UserErrorException: files that cannot be read as the definition says.
        """
        for option, value in (("on_error", on_error), ("out_of_range_datetime", out_of_range_datetime)):
            if value not in _ON_ERROR:
                raise UserErrorException(f"to_pandas_dataframe: {option} {value!r} is neither 'null' nor 'fail'")
        return _reading.read_table(self, on_error=on_error, out_of_range_datetime=out_of_range_datetime)

    def take(self, count: int) -> TabularDataset:
        """Return the first `count` rows."""
        return self._with_step({"op": "take", "count": check_count(count, where="take")})

    def skip(self, count: int) -> TabularDataset:
        """Return all rows but the first `count`."""
        return self._with_step({"op": "skip", "count": check_count(count, where="skip")})

    def take_sample(self, probability: float, seed: int | None = None) -> TabularDataset:
        """
        Return each row with this probability (0 to 1).

        Args:
            seed: the same seed takes the same rows; without one a fixed number that follows from the definition.
        """
        share = check_share(probability, what="probability", where="take_sample")
        return self._with_random_step({"op": "sample", "probability": share}, seed)

    def random_split(self, percentage: float, seed: int | None = None) -> tuple[TabularDataset, TabularDataset]:
        """
        Return about `percentage` (0 to 1) of the rows, and all others.

        Args:
            seed: as in `take_sample`.
        """
        share = check_share(percentage, what="percentage", where="random_split")
        first = self._with_random_step({"op": "split", "percentage": share, "part": 0}, seed)
        return first, self._with_random_step({"op": "split", "percentage": share, "part": 1}, seed)

    def keep_columns(self, columns: str | Sequence[str], validate: bool = False) -> TabularDataset:
        """
        Return the table with these columns only.

        Args:
            validate: read the table's head now and fail if a column is missing; otherwise it fails when it is read.
        """
        kept = self._with_step({"op": "keep_columns", "columns": _column_list(columns, where="keep_columns")})
        if validate:
            kept.take(1).to_pandas_dataframe()
        return kept

    def drop_columns(self, columns: str | Sequence[str]) -> TabularDataset:
        """Return the table without these columns."""
        return self._with_step({"op": "drop_columns", "columns": _column_list(columns, where="drop_columns")})

    def filter(self, expression: object) -> NoReturn:
        """Not supported yet: filter the frame that `to_pandas_dataframe` returns."""
        raise _not_yet("filter", "filter the frame of to_pandas_dataframe()", expression)

    def with_timestamp_columns(
        self,
        timestamp: str | None = None,
        partition_timestamp: str | None = None,
        validate: bool = False,
        **kwargs: object,
    ) -> NoReturn:
        """Not supported yet: select by time in the frame that `to_pandas_dataframe` returns."""
        raise _not_yet("with_timestamp_columns", _BY_TIME, timestamp, partition_timestamp, validate, kwargs)

    @property
    def timestamp_columns(self) -> tuple[None, None]:
        """Always `(None, None)`: no columns can be marked yet."""
        return None, None

    def time_after(self, start_time: datetime, include_boundary: bool = True, validate: bool = True) -> NoReturn:
        """Not supported yet: select by time in the frame that `to_pandas_dataframe` returns."""
        raise _not_yet("time_after", _BY_TIME, start_time, include_boundary, validate)

    def time_before(self, end_time: datetime, include_boundary: bool = True, validate: bool = True) -> NoReturn:
        """Not supported yet: select by time in the frame that `to_pandas_dataframe` returns."""
        raise _not_yet("time_before", _BY_TIME, end_time, include_boundary, validate)

    def time_between(
        self, start_time: datetime, end_time: datetime, include_boundary: bool = True, validate: bool = True
    ) -> NoReturn:
        """Not supported yet: select by time in the frame that `to_pandas_dataframe` returns."""
        raise _not_yet("time_between", _BY_TIME, start_time, end_time, include_boundary, validate)

    def time_recent(self, time_delta: timedelta, include_boundary: bool = True, validate: bool = True) -> NoReturn:
        """Not supported yet: select by time in the frame that `to_pandas_dataframe` returns."""
        raise _not_yet("time_recent", _BY_TIME, time_delta, include_boundary, validate)

    def to_csv_files(self, separator: str = ",") -> NoReturn:
        """Not supported yet: write the frame in a step and hand it on as an output."""
        raise _not_yet("to_csv_files", _WRITE, separator)

    def to_parquet_files(self) -> NoReturn:
        """Not supported yet: write the frame in a step and hand it on as an output."""
        raise _not_yet("to_parquet_files", _WRITE)

    def to_dask_dataframe(
        self,
        sample_size: int = 10000,
        dtypes: object = None,
        on_error: str = "null",
        out_of_range_datetime: str = "null",
    ) -> NoReturn:
        """Not supported: use `to_pandas_dataframe`."""
        raise _not_yet("to_dask_dataframe", _PANDAS, sample_size, dtypes, on_error, out_of_range_datetime)

    def to_spark_dataframe(self) -> NoReturn:
        """Not supported: there is no Spark here; use `to_pandas_dataframe`."""
        raise _not_yet("to_spark_dataframe", _PANDAS)

    def partition_by(
        self,
        partition_keys: list[str],
        target: object,
        name: str | None = None,
        show_progress: bool = True,
        partition_as_file_dataset: bool = False,
    ) -> NoReturn:
        """Not supported yet: write one file per value in a step."""
        raise _not_yet("partition_by", _WRITE, partition_keys, target, name, show_progress, partition_as_file_dataset)

    def download(
        self,
        stream_column: str,
        target_path: str | None = None,
        overwrite: bool = False,
        ignore_not_found: bool = True,
    ) -> NoReturn:
        """Not supported: tables have no stream columns here; define the files with `Dataset.File`."""
        raise _not_yet("download", _FILES, stream_column, target_path, overwrite, ignore_not_found)

    def mount(self, stream_column: str, mount_point: str | None = None) -> NoReturn:
        """Not supported: tables have no stream columns here; define the files with `Dataset.File`."""
        raise _not_yet("mount", _FILES, stream_column, mount_point)

    def get_profile(self, workspace: object = None) -> NoReturn:
        """Not supported: use `to_pandas_dataframe().describe()`."""
        raise _not_yet("get_profile", _DESCRIBE, workspace)

    def get_profile_runs(self, workspace: object = None) -> NoReturn:
        """Not supported: use `to_pandas_dataframe().describe()`."""
        raise _not_yet("get_profile_runs", _DESCRIBE, workspace)

    def submit_profile_run(
        self, compute_target: object, experiment: object, cache_datastore_name: str | None = None
    ) -> NoReturn:
        """Not supported: use `to_pandas_dataframe().describe()`."""
        raise _not_yet("submit_profile_run", _DESCRIBE, compute_target, experiment, cache_datastore_name)


_BY_TIME = "select by time in the frame of to_pandas_dataframe()"
_WRITE = "write the frame of to_pandas_dataframe() to an OutputFileDatasetConfig in a step"
_PANDAS = "use to_pandas_dataframe()"
_FILES = "define the files themselves with Dataset.File.from_files"
_DESCRIBE = "use to_pandas_dataframe().describe()"


def _not_yet(method: str, instead: str, *arguments: object) -> NotSupportedError:
    shown = ", ".join(repr(argument) for argument in arguments)
    return NotSupportedError(f"tabular dataset: {method}({shown}) is not supported; {instead}")


def _column_list(columns: str | Sequence[str], *, where: str) -> list[Json]:
    names = [columns] if isinstance(columns, str) else list(columns)
    if not all(isinstance(name, str) for name in names):
        raise UserErrorException(f"{where}: columns {names!r} are not all names")
    return list(names)
