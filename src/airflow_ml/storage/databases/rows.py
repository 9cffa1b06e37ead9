"""Rows of a database as Arrow batches: values as drivers give them, types as the database has them."""

from __future__ import annotations

import datetime
import decimal
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from airflow_ml.exceptions import DatasetExecutionError

if TYPE_CHECKING:
    from airflow_ml.storage.databases.sources import Source

__all__ = ["UNLIMITED", "as_wanted", "batch_of", "column_names", "schema_of"]

#: Stands for numbers with any number of digits, which no type of Arrow can hold exactly.
UNLIMITED = pa.decimal256(76, 38)

#: Types by the class of a value, for drivers that do not name a column's.
_BY_CLASS: Sequence[tuple[type, pa.DataType]] = (
    (bool, pa.bool_()),
    (int, pa.int64()),
    (float, pa.float64()),
    (decimal.Decimal, UNLIMITED),
    (datetime.datetime, pa.timestamp("us")),
    (datetime.date, pa.date32()),
    (datetime.time, pa.time64("us")),
    (bytes, pa.binary()),
)


def column_names(given: Sequence[str]) -> list[str]:
    """Return names for a result's columns that are all there and all different, in v1's way: `Column2`, `x_1`."""
    names: list[str] = []
    seen: dict[str, int] = {}
    for number, name in enumerate(given, 1):
        known = name if name and name != "?column?" else f"Column{number}"
        count = seen[known] = seen.get(known, -1) + 1
        names.append(f"{known}_{count}" if count else known)
    return names


def schema_of(
    names: Sequence[str], types: Sequence[pa.DataType | None], first_rows: Sequence[Sequence[object]]
) -> pa.Schema:
    """Return the columns of a result; where the driver tells no type, the first value that is there does."""
    fields = []
    for position, (name, type_) in enumerate(zip(names, types, strict=True)):
        known = type_ if type_ is not None else _type_of_values([row[position] for row in first_rows])
        fields.append(pa.field(name, known))
    return pa.schema(fields)


def _type_of_values(values: Sequence[object]) -> pa.DataType:
    there = [value for value in values if value is not None]
    for class_, type_ in _BY_CLASS:
        if there and isinstance(there[0], class_):
            return type_
    return pa.string()


def as_wanted(schema: pa.Schema, *, exact: bool, unlimited: pa.DataType) -> pa.Schema:
    """
    Return the columns with the types that were asked for.

    Args:
        exact: keep decimals and dates; otherwise they become doubles and times, which v1's tables have.
        unlimited: of decimals without limits.
    """

    def wanted(type_: pa.DataType) -> pa.DataType:
        if pa.types.is_date(type_) and not exact:
            return pa.timestamp("us")
        if not pa.types.is_decimal(type_):
            return type_
        if type_ == UNLIMITED:
            return unlimited
        return type_ if exact else pa.float64()

    return pa.schema([field.with_type(wanted(field.type)) for field in schema])


def batch_of(rows: Sequence[Sequence[object]], schema: pa.Schema, source: Source) -> pa.RecordBatch:
    """
    Return rows as one batch.

    Raises:
        DatasetExecutionError: a value that its column's type cannot hold.
    """
    columns = zip(*rows, strict=True) if rows else [()] * len(schema)
    return pa.record_batch(
        [_array(values, field, source) for values, field in zip(columns, schema, strict=True)], schema=schema
    )


def _array(values: Sequence[object], field: pa.Field, source: Source) -> pa.Array:
    change = _change(field.type)
    if change is not None:
        values = [None if value is None else change(value) for value in values]
    try:
        return pa.array(values, field.type)
    except (pa.ArrowException, OverflowError, ValueError, TypeError) as error:
        raise DatasetExecutionError(
            f"{source}: column {field.name!r} has a value that is no {field.type}: {error}; cast the column to text in"
            " a query"
        ) from error


def _change(type_: pa.DataType) -> Callable[[Any], object] | None:
    """Return what makes a driver's value one of the type; None where nothing has to be done."""
    if pa.types.is_string(type_):
        return _text
    if pa.types.is_floating(type_):
        return float
    if pa.types.is_binary(type_):
        return bytes  # psycopg2 gives memoryviews
    if pa.types.is_time(type_):
        return _without_zone
    if pa.types.is_timestamp(type_):
        return _moment
    return None


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, (list, dict, tuple)):
        return json.dumps(value, default=str, ensure_ascii=False)
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).decode("utf-8", "backslashreplace")
    return str(value)


def _without_zone(value: Any) -> Any:
    return value.replace(tzinfo=None) if isinstance(value, datetime.time) else value


def _moment(value: Any) -> Any:
    is_date = isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)
    return datetime.datetime.combine(value, datetime.time()) if is_date else value
