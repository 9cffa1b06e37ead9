"""Types of a table's columns: read out of texts as v1 does, or as the definition sets them."""

from __future__ import annotations

import re

from airflow_ml.exceptions import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from pandas import DataFrame, Series

__all__ = ["convert", "inferred"]

_SAMPLE = 200
_PATTERNS = {
    "bool": re.compile(r"true|false", re.IGNORECASE),
    "long": re.compile(r"\s*[+-]?\d{1,18}\s*"),
    "float": re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*|nan|[+-]?inf(inity)?", re.IGNORECASE),
    "datetime": re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?"),
}


def inferred(frame: DataFrame) -> dict[str, dict[str, Any]]:
    """
    Return the type of each column of texts, told from its first 200 rows.

    A column is of the first of bool, long, float and datetime that all its values there fit, and text otherwise or
    when it has no values there.
    """
    types = {}
    for position, name in enumerate(frame.columns):
        values = frame.iloc[:_SAMPLE, position].dropna()
        texts = [text for text in values if text != ""]
        fitting = [kind for kind, pattern in _PATTERNS.items() if texts and all(map(pattern.fullmatch, texts))]
        types[name] = {"type": fitting[0] if fitting else "string"}
    return types


def convert(frame: DataFrame, types: Mapping[str, Mapping[str, Any]], *, strict: bool) -> DataFrame:
    """
    Return the frame with its columns of these types.

    Args:
        strict: raise for a value that is not of its column's type; it becomes null otherwise.

    Raises:
        UserErrorException: a column is not there, a type is not known, or a value does not fit and strict is set.
    """
    unknown = sorted(set(types) - set(frame.columns))
    if unknown:
        raise UserErrorException(
            f"set_column_types: no columns {unknown!r} in the data; it has {list(frame.columns)!r}"
        )
    result = frame.copy(deep=False)
    for name, described in types.items():
        converter = _CONVERTERS.get(described["type"])
        if converter is None:
            raise UserErrorException(f"column {name!r}: no type {described['type']!r}, only {sorted(_CONVERTERS)}")
        column = frame[name]
        values = converter(column, described)
        if values is not column:  # otherwise pandas would copy it
            result[name] = values
        if strict:
            _refuse_lost(name, column, values, described["type"])
    return result


def _refuse_lost(name: str, texts: Series[Any], values: Series[Any], kind: str) -> None:
    lost = values.isna() & texts.notna() & ~texts.isin(["", "nan", "NaN"])
    if lost.any():
        raise UserErrorException(f"column {name!r}: {texts[lost].iloc[0]!r} is no {kind}")


def _string(column: Series[Any], _: Mapping[str, Any]) -> Series[Any]:
    if str(column.dtype) in ("str", "string"):  # pandas 3 reads texts as such
        return column
    return column.where(column.isna(), column.astype(str))


def _long(column: Series[Any], _: Mapping[str, Any]) -> Series[Any]:
    import pandas

    if column.dtype == "int64":
        return column
    numbers = pandas.to_numeric(column, errors="coerce")
    # Like pandas' own reader: whole numbers with gaps are kept as floats.
    return numbers if numbers.isna().any() else numbers.astype("int64")


def _float(column: Series[Any], described: Mapping[str, Any]) -> Series[Any]:
    import pandas

    mark = described.get("decimal_mark") or "."
    if mark != ".":
        thousands = "." if mark == "," else ","
        column = column.str.replace(thousands, "", regex=False).str.replace(mark, ".", regex=False)
    elif column.dtype == "float64":
        return column
    return pandas.to_numeric(column, errors="coerce").astype("float64")


def _bool(column: Series[Any], _: Mapping[str, Any]) -> Series[Any]:
    if column.dtype == bool:
        return column
    texts = column.astype(str).str.lower()
    values = texts.map({"true": True, "false": False, "1": True, "0": False})
    return values if values.isna().any() else values.astype(bool)


def _datetime(column: Series[Any], described: Mapping[str, Any]) -> Series[Any]:
    import pandas

    texts = column.where(column.isna() | (column != ""))
    formats = described.get("formats")
    if formats:
        read = pandas.to_datetime(texts, format=formats[0], errors="coerce")
        for other in formats[1:]:
            read = read.fillna(pandas.to_datetime(texts, format=other, errors="coerce"))
        return read
    # pandas 1 guesses each value's form; from 2 on it must be told to.
    mixed = "mixed" if int(pandas.__version__.split(".")[0]) > 1 else None
    zoned = texts.astype(str).str.contains(r":\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})$").any()
    if mixed:
        # Three times as fast, where all of them are written so.
        times = pandas.to_datetime(texts, errors="coerce", utc=bool(zoned), format="ISO8601")
        if not (times.isna() & texts.notna()).any():
            return times
    return pandas.to_datetime(texts, errors="coerce", utc=bool(zoned), format=mixed)


_CONVERTERS = {"string": _string, "long": _long, "float": _float, "bool": _bool, "datetime": _datetime}
