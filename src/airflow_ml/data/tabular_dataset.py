"""Tables read from files (`azureml.data.tabular_dataset`)."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.data._caller import is_parsing_dag
from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.exceptions import GraphError, NotSupportedError, UserErrorException
from airflow_ml.runtime.timed_table import TimedTable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import NoReturn

    import pandas as pd

    from airflow_ml.data import _reading, _writing
    from airflow_ml.data._uploading import Target
    from airflow_ml.data.file_dataset import FileDataset
    from airflow_ml.graph.model import Json
    from airflow_ml.runtime import amounts, expressions
    from airflow_ml.runtime.expressions import Expression
else:
    _reading = late("airflow_ml.data._reading")
    _writing = late("airflow_ml.data._writing")
    amounts = late("airflow_ml.runtime.amounts")
    expressions = late("airflow_ml.runtime.expressions")

__all__ = ["TabularDataset"]

_ON_ERROR = ("null", "fail")


class TabularDataset(TimedTable, AbstractDataset):
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
        return self._with_step({"op": "take", "count": amounts.checked_count(count, where="take")})

    def skip(self, count: int) -> TabularDataset:
        """Return all rows but the first `count`."""
        return self._with_step({"op": "skip", "count": amounts.checked_count(count, where="skip")})

    def take_sample(self, probability: float, seed: int | None = None) -> TabularDataset:
        """
        Return each row with this probability (0 to 1).

        Args:
            seed: the same seed takes the same rows; without one a fixed number that follows from the definition.
        """
        share = amounts.checked_share(probability, what="probability", where="take_sample")
        return self._with_random_step({"op": "sample", "probability": share}, seed)

    def random_split(self, percentage: float, seed: int | None = None) -> tuple[TabularDataset, TabularDataset]:
        """
        Return about `percentage` (0 to 1) of the rows, and all others.

        Args:
            seed: as in `take_sample`.
        """
        share = amounts.checked_share(percentage, what="percentage", where="random_split")
        first = self._with_random_step({"op": "split", "percentage": share, "part": 0}, seed)
        return first, self._with_random_step({"op": "split", "percentage": share, "part": 1}, seed)

    def keep_columns(self, columns: str | Sequence[str], validate: bool = False) -> TabularDataset:
        """
        Return the table with these columns only.

        Args:
            validate: read the table's head now and fail if a column is missing; otherwise it fails when it is read.
        """
        names = _column_list(columns, where="keep_columns")
        kept = self._with_columns("keep_columns", names, lambda name: name in names)
        if validate and not is_parsing_dag():
            kept.take(1).to_pandas_dataframe()
        return kept

    def drop_columns(self, columns: str | Sequence[str]) -> TabularDataset:
        """Return the table without these columns; a dropped time column is no longer marked as one."""
        names = _column_list(columns, where="drop_columns")
        return self._with_columns("drop_columns", names, lambda name: name not in names)

    def filter(self, expression: Expression) -> TabularDataset:
        """
        Return the rows that fit a condition, such as `(dataset["x"] > 3) & dataset["name"].starts_with("a")`.

        Missing values fit no comparison but `!=`.

        Raises:
            UserErrorException: something else than an expression.
        """
        wanted = expressions.condition(expression, where="tabular dataset: filter")
        return self._with_step({"op": "filter", "expression": wanted.node})

    def to_csv_files(self, separator: str = ",") -> FileDataset:
        """
        Write the table as a CSV file to the workspace's default datastore and return that file.

        v1 writes when the files are read; here it is done at once.
        """
        return _writing.to_files(self, separator=separator)

    def to_parquet_files(self) -> FileDataset:
        """Write the table as a parquet file to the workspace's default datastore and return that file."""
        return _writing.to_files(self, separator=None)

    def partition_by(
        self,
        partition_keys: list[str],
        target: Target,
        name: str | None = None,
        show_progress: bool = True,
        partition_as_file_dataset: bool = False,
    ) -> FileDataset | TabularDataset:
        """
        Write the table as parquet files, in folders by the values of columns, and return them as a dataset.

        Args:
            partition_keys: the columns, outermost folder first; `partition_keys` of the result.
            target: `(datastore, 'folder')`, a DataPath or a datastore; a new folder is made in it.
            name: register the result under this name, as a new version if it is taken.
            show_progress: say what was copied.
            partition_as_file_dataset: return the files instead of a table.

        Raises:
            UserErrorException: keys that are no columns, or values that cannot name a folder.
        """
        return _writing.partition(
            self, partition_keys, target, name, show_progress=show_progress, as_files=partition_as_file_dataset
        )

    def _checked(self, where: str) -> TabularDataset:
        """Return the table itself after a look at its time columns, which is left out while a DAG file is parsed."""
        if not is_parsing_dag():
            _reading.check_times(self, where=where)
        return self

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


_PANDAS = "use to_pandas_dataframe()"
_FILES = "define the files themselves with Dataset.File.from_files"
_DESCRIBE = "use to_pandas_dataframe().describe()"


def _not_yet(method: str, instead: str, *arguments: object) -> NotSupportedError:
    shown = ", ".join(repr(argument) for argument in arguments)
    return NotSupportedError(f"tabular dataset: {method}({shown}) is not supported; {instead}")


def _column_list(columns: str | Sequence[str], *, where: str) -> list[Json]:
    names = [columns] if isinstance(columns, str) else columns
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise GraphError(f"{where}: columns {columns!r} are no names; give a name or a list of names")
    return list(names)
