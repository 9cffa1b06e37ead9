"""`Dataset.File` and `Dataset.Tabular` inside a step: they say where datasets are made instead."""

from __future__ import annotations

from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["FileDatasetFactory", "TabularDatasetFactory"]


class FileDatasetFactory:
    """What `Dataset.File` is; inside a step it makes nothing and says what to do."""

    @staticmethod
    def from_files(*args: Any, **kwargs: Any) -> Any:
        """Raise NotSupportedError."""
        raise _elsewhere("Dataset.File.from_files")

    @staticmethod
    def upload_directory(*args: Any, **kwargs: Any) -> Any:
        """Raise NotSupportedError."""
        raise _elsewhere("Dataset.File.upload_directory")


class TabularDatasetFactory:
    """What `Dataset.Tabular` is; inside a step it makes nothing and says what to do."""

    @staticmethod
    def from_delimited_files(*args: Any, **kwargs: Any) -> Any:
        """Raise NotSupportedError."""
        raise _elsewhere("Dataset.Tabular.from_delimited_files")

    @staticmethod
    def from_json_lines_files(*args: Any, **kwargs: Any) -> Any:
        """Raise NotSupportedError."""
        raise _elsewhere("Dataset.Tabular.from_json_lines_files")

    @staticmethod
    def from_parquet_files(*args: Any, **kwargs: Any) -> Any:
        """Raise NotSupportedError."""
        raise _elsewhere("Dataset.Tabular.from_parquet_files")

    @staticmethod
    def from_sql_query(*args: Any, **kwargs: Any) -> Any:
        """Raise NotSupportedError."""
        raise _elsewhere("Dataset.Tabular.from_sql_query")

    @staticmethod
    def register_pandas_dataframe(*args: Any, **kwargs: Any) -> Any:
        """Raise NotSupportedError."""
        raise _elsewhere("Dataset.Tabular.register_pandas_dataframe")


def _elsewhere(call: str) -> NotSupportedError:
    return NotSupportedError(
        f"{call} is not available inside a step; make the dataset where the pipeline is built and pass it as an input, "
        "look up a registered one by Dataset.get_by_name, or write to an OutputFileDatasetConfig with "
        "register_on_complete"
    )
