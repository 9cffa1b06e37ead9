"""Evaluates the conditions of `airflow_ml.runtime.expressions`, for the rows of a frame or for single files."""

from __future__ import annotations

import datetime
import operator

from airflow_ml.exceptions import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from pandas import DataFrame, Series

    from airflow_ml.runtime.expressions import Node

    Operations = Mapping[str, Callable[..., Any]]

__all__ = ["matches", "matching_rows"]

_COMPARISONS = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
_ARITHMETIC = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "truediv": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "pow": operator.pow,
}


def matching_rows(frame: DataFrame, node: Node) -> Series[bool]:
    """
    Return for each row whether it fits a condition; a comparison with a missing value does not fit.

    Raises:
        UserErrorException: a column that is not there, or values that cannot be compared.
    """
    import pandas

    def value(kind: str, name: str) -> Any:
        if kind == "column" and name in frame.columns:
            return frame[name]
        raise UserErrorException(f"filter: no column {name!r} in the data, which has {list(frame.columns)!r}")

    result = _evaluate(node, value, _row_operations())
    if not isinstance(result, pandas.Series):
        result = pandas.Series(bool(result), index=frame.index)
    return result.fillna(False).astype(bool)


def matches(node: Node, values: Mapping[str, Any]) -> bool:
    """
    Tell whether one file fits a condition.

    Args:
        values: what is known of it: attributes under v1's names, partition columns, and `Path`.

    Raises:
        UserErrorException: a name that is not among the values, or values that cannot be compared.
    """

    def value(_kind: str, name: str) -> Any:
        if name not in values:
            raise UserErrorException(f"filter: a file has no {name!r}; it has {sorted(values)}")
        return values[name]

    return bool(_evaluate(node, value, _FILE_OPERATIONS))


def _evaluate(node: Node, value: Callable[[str, str], Any], operations: Operations) -> Any:
    if "value" in node:
        return node["value"]
    if "time" in node:
        return _time(node["time"])
    if "op" not in node:
        ((kind, name),) = node.items()
        return value(kind, name)
    arguments = [_evaluate(argument, value, operations) for argument in node["args"]]
    if node["op"] not in operations:
        raise UserErrorException(f"filter: operation {node['op']!r} needs a newer airflow-ml; update it")
    try:
        return operations[node["op"]](*arguments)
    except (TypeError, AttributeError) as exc:
        raise UserErrorException(
            f"filter: {node['op']} does not fit the values of {_shown(node)}: {exc}; set the column's type when the "
            "dataset is defined",
            exc,
        ) from exc


def _time(text: str) -> datetime.datetime:
    if text.endswith("Z"):
        text = text[:-1] + "+00:00"  # before Python 3.11 fromisoformat knows no Z
    return datetime.datetime.fromisoformat(text)


def _shown(node: Node) -> str:
    return " and ".join(repr(next(iter(argument.values()))) for argument in node["args"] if "op" not in argument)


def _comparable(left: Any, right: Any) -> tuple[Any, Any]:
    """Return two times as both aware or both naive; v1 takes a time without a zone for UTC."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, datetime.datetime) and hasattr(other, "tzinfo") and other.tzinfo and not one.tzinfo:
            changed = one.replace(tzinfo=datetime.timezone.utc)
            return (changed, other) if one is left else (other, changed)
    return left, right


def _compare_one(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compared(left: Any, right: Any) -> Any:
        if left is None or right is None:
            # Nothing equals a missing value and nothing is beyond it, except another missing value.
            same = left is None and right is None
            return same if compare is operator.eq else not same if compare is operator.ne else False
        return compare(*_comparable(left, right))

    return compared


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _on_text(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda text, *arguments: None if text is None else function(_text(text), *arguments)


def _part(text: str, start: int, length: int | None) -> str:
    return text[start:] if length is None else text[start : start + length]


_FILE_OPERATIONS: Operations = {
    **{name: _compare_one(compare) for name, compare in _COMPARISONS.items()},
    **_ARITHMETIC,
    "and": lambda left, right: bool(left) and bool(right),
    "or": lambda left, right: bool(left) or bool(right),
    "not": lambda value: not value,
    "is_null": lambda value: value is None,
    "contains": _on_text(lambda text, part: _text(part) in text),
    "starts_with": _on_text(str.startswith),
    "ends_with": _on_text(str.endswith),
    "substring": _on_text(_part),
    "index_of": _on_text(str.find),
    "length": _on_text(len),
    "to_upper": _on_text(str.upper),
    "to_lower": _on_text(str.lower),
}


def _row_operations() -> Operations:
    """Return the operations on whole columns; texts go value by value, which is as fast as pandas' own way."""
    import pandas

    def is_column(value: Any) -> bool:
        return isinstance(value, pandas.Series)

    def by_value(name: str) -> Callable[..., Any]:
        function = _FILE_OPERATIONS[name]

        def applied(first: Any, *rest: Any) -> Any:
            columns = [value for value in (first, *rest) if is_column(value)]
            if not columns:
                return function(first, *rest)
            spread = [value if is_column(value) else [value] * len(columns[0]) for value in (first, *rest)]
            rows = [[None if _is_missing(value) else value for value in row] for row in zip(*spread)]
            return pandas.Series([function(*row) for row in rows], index=columns[0].index, dtype=object)

        return applied

    def compared(name: str) -> Callable[[Any, Any], Any]:
        compare = _COMPARISONS[name]

        def applied(left: Any, right: Any) -> Any:
            if left is None or right is None:
                return by_value(name)(left, right)
            return compare(*_same_zone(left, right))

        return applied

    def boolean(value: Any) -> Any:
        return value.fillna(False).astype(bool) if is_column(value) else bool(value)

    return {
        **{name: by_value(name) for name in _FILE_OPERATIONS},
        **{name: compared(name) for name in _COMPARISONS},
        **_ARITHMETIC,
        "and": lambda left, right: boolean(left) & boolean(right),
        "or": lambda left, right: boolean(left) | boolean(right),
        "not": lambda value: ~boolean(value) if is_column(value) else not value,
    }


def _is_missing(value: Any) -> bool:
    import pandas

    return value is None or bool(pandas.isna(value))


def _same_zone(left: Any, right: Any) -> Sequence[Any]:
    """Return columns and times as all of UTC or all without a zone; see `_comparable`."""
    import pandas

    def zone(value: Any) -> Any:
        return getattr(getattr(value, "dtype", None), "tz", None) or getattr(value, "tzinfo", None)

    def in_utc(value: Any) -> Any:
        if zone(value) is not None:
            return value
        if isinstance(value, datetime.datetime):
            return value.replace(tzinfo=datetime.timezone.utc)
        return value.dt.tz_localize("UTC") if pandas.api.types.is_datetime64_dtype(value) else value

    pair = [left, right]
    return pair if zone(left) is None and zone(right) is None else [in_utc(value) for value in pair]
