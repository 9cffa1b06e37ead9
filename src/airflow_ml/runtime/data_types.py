"""Types of columns for `set_column_types` (`azureml.data.DataType`), the same inside a step and outside of one."""

from __future__ import annotations

from airflow_ml.exceptions import GraphError, NotSupportedError, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, NoReturn

__all__ = ["DataType"]


class DataType:
    """A column's type; made by the methods below."""

    def __init__(self) -> None:
        self.definition: Mapping[str, Any] = {"type": "string"}

    @staticmethod
    def to_bool() -> DataType:
        """True and false, written as such or as 1 and 0."""
        return DataType._of(type="bool")

    @staticmethod
    def to_datetime(formats: str | Sequence[str] | None = None) -> DataType:
        """
        Dates with times.

        Args:
            formats: one or several `strptime` formats, tried in turn; None finds out by itself.

        Raises:
            UserErrorException: something else.
        """
        if formats is None:
            return DataType._of(type="datetime")
        if not isinstance(formats, (str, list, tuple)):
            raise UserErrorException(f"DataType.to_datetime: formats {formats!r} are neither text nor a list of texts")
        return DataType._of(type="datetime", formats=[formats] if isinstance(formats, str) else list(formats))

    @staticmethod
    def to_float(decimal_mark: str = ".") -> DataType:
        """
        Numbers with a fraction.

        Raises:
            GraphError: another mark than `.` and `,`; as in v1 a ValueError.
        """
        if decimal_mark not in (".", ","):
            raise GraphError(f"DataType.to_float: decimal_mark {decimal_mark!r} is neither '.' nor ','")
        return DataType._of(type="float", **({} if decimal_mark == "." else {"decimal_mark": decimal_mark}))

    @staticmethod
    def to_long() -> DataType:
        """Whole numbers."""
        return DataType._of(type="long")

    @staticmethod
    def to_string() -> DataType:
        """Text, taken as it is."""
        return DataType._of(type="string")

    @staticmethod
    def to_stream(workspace: object, escaped: bool = False) -> NoReturn:
        """Not supported: keep the column as text and define the files themselves with `Dataset.File`."""
        raise NotSupportedError(
            f"DataType.to_stream({workspace!r}, escaped={escaped!r}) is not supported; keep the column as text and "
            "define the files with Dataset.File"
        )

    @staticmethod
    def _of(**definition: Any) -> DataType:
        made = DataType()
        made.definition = definition
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataType) and self.definition == other.definition

    def __hash__(self) -> int:
        return hash(str(self.definition))

    def __repr__(self) -> str:
        return f"DataType({dict(self.definition)!r})"
