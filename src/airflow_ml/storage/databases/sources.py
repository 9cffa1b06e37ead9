"""What can be read from a database, as values."""

from __future__ import annotations

import datetime
import decimal
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.graph.model import Json

__all__ = [
    "Exported",
    "Procedure",
    "ProcedureParameter",
    "Query",
    "Source",
    "Table",
    "TableFormat",
    "source_of",
    "table_name",
]

#: How rows are written to files: text with a line of names, or parquet.
TableFormat: TypeAlias = Literal["delimited", "parquet"]

#: Quotes around names, by their first sign: SQL's own, MySQL's and Azure SQL's.
_QUOTES = {'"': '"', "`": "`", "[": "]"}


@dataclass(frozen=True)
class Table:
    """
    All rows of a table or view, in the order of its primary key where it has one.

    Attributes:
        name: `table` or `schema.table`; each may be quoted as the database quotes names.
    """

    name: str

    def __str__(self) -> str:
        return f"table {self.name!r}"


@dataclass(frozen=True)
class Query:
    """
    A query, which may only read.

    Attributes:
        text: goes to the database as it is; with parameters, each `:name` in it stands for one of them.
        parameters: values that the driver binds; they never become part of the text.
    """

    text: str
    parameters: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return "the query"


@dataclass(frozen=True)
class ProcedureParameter:
    """
    A parameter of a stored procedure.

    Attributes:
        type: one of v1's: `String`, `Int`, `Decimal`, `Guid`, `Boolean`, `Date`.
    """

    name: str
    value: str | None
    type: str = "String"

    def bound(self) -> object:
        """
        Return the value as the driver binds it.

        Raises:
            UserErrorException: the value is not of the type.
        """
        if self.value is None:
            return None
        try:
            return _PARAMETER_TYPES[self.type](str(self.value))
        except (ValueError, ArithmeticError, KeyError) as error:
            raise UserErrorException(
                f"stored procedure parameter {self.name!r}: {self.value!r} is no value of type {self.type!r};"
                " correct one of them"
            ) from error


@dataclass(frozen=True)
class Procedure:
    """
    What a stored procedure (in PostgreSQL: a function that returns rows) gives back first.

    Attributes:
        name: as a table's.
    """

    name: str
    parameters: tuple[ProcedureParameter, ...] = ()

    def __str__(self) -> str:
        return f"stored procedure {self.name!r}"


Source: TypeAlias = "Table | Query | Procedure"


def source_of(described: Mapping[str, Json]) -> Source:
    """
    Return what a reference of a graph names.

    Args:
        described: `table`, `query` (and `query_parameters`), or `procedure` (and `procedure_parameters`: mappings with
            `name`, `value`, `type`).

    Raises:
        UserErrorException: none of the three, or several.
    """
    given = [key for key in ("table", "query", "procedure") if described.get(key)]
    if len(given) != 1:
        raise UserErrorException(
            f"reference to a database: names {given or 'nothing'}; give one of a table, a query and a stored procedure"
        )
    text = str(described[given[0]])
    if given[0] == "table":
        return Table(text)
    if given[0] == "query":
        return Query(text, cast("Mapping[str, object]", described.get("query_parameters") or {}))
    items = cast("Sequence[Mapping[str, str]]", described.get("procedure_parameters") or ())
    return Procedure(text, tuple(ProcedureParameter(item["name"], item["value"], item["type"]) for item in items))


@dataclass(frozen=True)
class Exported:
    """
    A file with rows of a database.

    Attributes:
        size: in bytes.
        sha256: of the file; equal rows in equal order give equal files.
    """

    rows: int
    columns: tuple[str, ...]
    size: int
    sha256: str


def table_name(text: str, *, what: str = "table") -> tuple[str | None, str]:
    """
    Return schema and name of a table, out of text such as `sales.orders`, `[dbo].[T 1]` or `"a.b"`.

    Raises:
        UserErrorException: text that is no such name.
    """
    parts, rest = [], text.strip()
    while rest:
        part, rest = _first_part(rest)
        parts.append(part)
        if rest and not rest.startswith("."):
            break
        rest = rest[1:]
    if rest or not 1 <= len(parts) <= 2 or not all(parts) or text.strip().endswith("."):
        raise UserErrorException(f"{what} {text!r}: is no name; expected 'table' or 'schema.table'")
    return (parts[0] if len(parts) == 2 else None), parts[-1]


def _first_part(text: str) -> tuple[str, str]:
    close = _QUOTES.get(text[0])
    if close is None:
        part, dot, rest = text.partition(".")
        return part, dot + rest
    part, position = "", 1
    while position < len(text):
        if text[position] != close:
            part, position = part + text[position], position + 1
        elif text[position + 1 : position + 2] == close:  # a doubled quote stands for itself
            part, position = part + close, position + 2
        else:
            return part, text[position + 1 :]
    return "", text


def _boolean(text: str) -> bool:
    folded = text.strip().lower()
    if folded not in ("true", "false", "1", "0"):
        raise ValueError(text)
    return folded in ("true", "1")


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return datetime.datetime.fromisoformat(text)


_PARAMETER_TYPES: Mapping[str, Callable[[str], object]] = {
    "Boolean": _boolean,
    "Date": _date,
    "Decimal": decimal.Decimal,
    "Guid": lambda text: str(uuid.UUID(text)),
    "Int": int,
    "String": str,
}
