"""Rows of a file as rows of a table that is there: columns matched by name, values turned into the columns' types."""

from __future__ import annotations

import datetime
import decimal
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_ml.exceptions import DatasetNotFoundError, UserErrorException
from airflow_ml.storage.databases.sources import table_name

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Connection, Insert, TableClause
    from sqlalchemy.types import TypeEngine

__all__ = ["Target", "target_of", "typed_rows"]


@dataclass(frozen=True)
class Target:
    """
    A table that a file's rows go into.

    Attributes:
        columns: those of the file, in the file's order.
        types: what turns a value of the file into one of the column.
        required: which of the columns cannot be empty.
    """

    statement: Insert
    columns: Sequence[str]
    types: Sequence[Callable[[Any], object]]
    required: Sequence[bool]


def target_of(connection: Connection, table: str, header: Sequence[str], *, file: str) -> Target:
    """
    Look the table up and match its columns with a file's.

    Columns that the database fills by itself (identity, computed) may be missing in the file; all others must be
    there, and nothing else, in any order.

    Raises:
        DatasetNotFoundError: there is no such table.
        UserErrorException: the header does not match.
    """
    from sqlalchemy import column, insert, inspect
    from sqlalchemy import table as table_clause

    schema, name = table_name(table)
    inspector = inspect(connection)
    if not inspector.has_table(name, schema=schema):
        raise DatasetNotFoundError(f"table {table!r}: is not in the database; make it first, or correct the name")
    there = {item["name"]: item for item in inspector.get_columns(name, schema=schema)}
    filled = {key for key, item in there.items() if _is_filled(item)}
    _check_header(header, list(there), filled, table=table, file=file)
    clause: TableClause = table_clause(name, *(column(key) for key in header), schema=schema)
    return Target(
        insert(clause),
        list(header),
        [_converter(there[key]["type"]) for key in header],
        [not there[key].get("nullable", True) and key not in filled for key in header],
    )


def _is_filled(column: Any) -> bool:
    is_counted = column.get("autoincrement") is True
    return bool(column.get("identity") or column.get("computed") or is_counted or _is_serial(column))


def _is_serial(column: Any) -> bool:
    return str(column.get("default") or "").startswith("nextval(")


def _check_header(header: Sequence[str], columns: Sequence[str], filled: set[str], *, table: str, file: str) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    missing = [name for name in columns if name not in header and name not in filled]
    unknown = [name for name in header if name not in columns]
    if not (twice or missing or unknown):
        return
    problems = [
        f"{what} {names!r}"
        for what, names in (("twice", twice), ("missing", missing), ("not in the table", unknown))
        if names
    ]
    raise UserErrorException(
        f"file {file!r}: its header {list(header)!r} does not match table {table!r}, which has {list(columns)!r}:"
        f" {'; '.join(problems)}. Give the file the table's columns"
    )


def typed_rows(target: Target, batches: Iterator[pa.RecordBatch], *, file: str) -> Iterator[list[dict[str, object]]]:
    """
    Yield a file's rows as the table takes them, batch by batch.

    Raises:
        UserErrorException: a value that is not of its column's type; names row and column.
    """
    done = 0
    for batch in batches:
        columns = [
            _typed(target, position, batch.column(position).to_pylist(), done, file)
            for position in range(len(target.columns))
        ]
        rows = [dict(zip(target.columns, row, strict=True)) for row in zip(*columns, strict=True)]
        done += len(rows)
        yield rows


def _typed(target: Target, position: int, values: list[Any], done: int, file: str) -> list[object]:
    convert, name, required = target.types[position], target.columns[position], target.required[position]
    typed: list[object] = []
    for number, value in enumerate(values, done + 1):
        if value is None:
            if required:
                raise UserErrorException(
                    f"file {file!r}: row {number}, column {name!r}: is empty, and the table's column is NOT NULL;"
                    " give it a value"
                )
            typed.append(None)
            continue
        try:
            typed.append(convert(value))
        except (ValueError, TypeError, ArithmeticError) as error:
            reason = f": {error}" if isinstance(error, _Unfit) else ""
            raise UserErrorException(
                f"file {file!r}: row {number}, column {name!r}: {value!r} does not fit the table's column{reason};"
                " correct the file. Nothing was written"
            ) from error
    return typed


class _Unfit(ValueError):
    """A value that its column cannot hold, with the reason."""


def _converter(type_: TypeEngine[Any]) -> Callable[[Any], object]:
    """Return what turns a file's value, text or typed, into one of a column; the database judges other types."""
    from sqlalchemy import types

    for class_, convert in (
        (types.Boolean, _boolean),
        (types.Integer, _integer),
        (types.Float, _float),
        (types.Numeric, _decimal),
        (types.DateTime, _datetime),
        (types.Date, _date),
        (types.LargeBinary, _bytes),
        (types._Binary, _bytes),
        (types.ARRAY, _list),
        (types.Uuid, lambda value: str(uuid.UUID(str(value)))),
    ):
        if isinstance(type_, class_):
            return convert
    # The lengths of other kinds of text (MySQL's SET, TEXT) are no numbers of signs.
    length = getattr(type_, "length", None) if isinstance(type_, (types.CHAR, types.VARCHAR)) else None
    if isinstance(type_, types.String):
        return lambda value: _string(value, length)
    return lambda value: value


def _boolean(value: Any) -> bool:
    folded = str(value).strip().lower()
    if folded not in ("true", "false", "1", "0", "t", "f"):
        raise _Unfit("expected true or false")
    return folded in ("true", "1", "t")


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, str):
        if value.lower() in ("true", "false"):  # how a delimited file has a MySQL BOOLEAN, which is a number
            return int(value.lower() == "true")
        value = decimal.Decimal(value.strip())
    if value != int(value):
        raise _Unfit("expected a whole number")
    return int(value)


def _float(value: Any) -> float:
    if isinstance(value, bool):
        raise _Unfit("expected a number")
    return float(value)


def _decimal(value: Any) -> decimal.Decimal:
    if isinstance(value, bool):
        raise _Unfit("expected a number")
    return decimal.Decimal(repr(value) if isinstance(value, float) else value)


def _datetime(value: Any) -> datetime.datetime:
    if isinstance(value, datetime.datetime):
        return value
    if isinstance(value, datetime.date):
        return datetime.datetime.combine(value, datetime.time())
    if not isinstance(value, str):
        raise _Unfit("expected a time")
    text = value.strip()
    return datetime.datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text)


def _date(value: Any) -> datetime.date:
    moment = _datetime(value)
    if moment.time() != datetime.time():
        raise _Unfit("expected a date without a time")
    return moment.date()


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        prefixes = ("0x", "0X", "\\x")
        if not value.startswith(prefixes):
            raise _Unfit("expected bytes as 0x and hexadecimal digits")
        return bytes.fromhex(value[2:])
    return bytes(value)


def _list(value: Any) -> object:
    return json.loads(value) if isinstance(value, str) and value.startswith("[") else value


def _string(value: Any, length: int | None) -> str:
    if isinstance(value, bytes):
        raise _Unfit("expected text")
    text = ("true" if value else "false") if isinstance(value, bool) else str(value)
    if length is not None and len(text) > length:
        raise _Unfit(f"it has {len(text)} signs, the column takes {length}")
    return text
