"""Types of columns for `set_column_types` (`azureml.data.dataset_factory.DataType`)."""

from __future__ import annotations

from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from airflow_ml.data._workspace import WorkspaceLike
    from airflow_ml.graph.model import Json

__all__ = ["DataType"]


class DataType:
    """A column's type; made by the methods below."""

    def __init__(self, definition: Mapping[str, Json] | None = None) -> None:
        self.definition: Mapping[str, Json] = definition or {"type": "string"}

    @staticmethod
    def to_bool() -> DataType:
        """True and false, written as such or as 1 and 0."""
        return DataType({"type": "bool"})

    @staticmethod
    def to_datetime(formats: str | Sequence[str] | None = None) -> DataType:
        """
        Dates with times.

        Args:
            formats: one or several `strptime` formats, tried in turn; None finds out by itself.
        """
        if formats is None:
            return DataType({"type": "datetime"})
        return DataType({"type": "datetime", "formats": [formats] if isinstance(formats, str) else list(formats)})

    @staticmethod
    def to_float(decimal_mark: str = ".") -> DataType:
        """Numbers with a fraction."""
        return DataType({"type": "float"} if decimal_mark == "." else {"type": "float", "decimal_mark": decimal_mark})

    @staticmethod
    def to_long() -> DataType:
        """Whole numbers."""
        return DataType({"type": "long"})

    @staticmethod
    def to_string() -> DataType:
        """Text, taken as it is."""
        return DataType({"type": "string"})

    @staticmethod
    def to_stream(workspace: WorkspaceLike, escaped: bool = False) -> NoReturn:  # noqa: ARG004 - v1's signature
        """Not supported: keep the column as text and define the files themselves with `Dataset.File`."""
        raise NotSupportedError(
            "DataType.to_stream is not supported; keep the column as text and define the files with Dataset.File"
        )

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataType) and self.definition == other.definition

    def __hash__(self) -> int:
        return hash(str(self.definition))

    def __repr__(self) -> str:
        return f"DataType({dict(self.definition)!r})"
