"""
Tables in time: which columns say when a row happened, and the conditions that select by them.

v1's rules: the timestamp marks each row, the partition timestamp is a coarser column of the same time that comes from
the files' paths; bounds are whole seconds, the lower one floored and the upper one rounded.
"""

from __future__ import annotations

import datetime

from airflow_ml.exceptions import DatasetTimestampMissingError, UserErrorException
from airflow_ml.runtime.expressions import column

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from pandas import DataFrame

__all__ = ["between", "check_times", "marked", "time_columns", "without_dropped"]

_KEYS = ("timestamp", "partition_timestamp")
#: v1's old names of the two arguments.
_OLD_KEYS = {"fine_grain_timestamp": "timestamp", "coarse_grain_timestamp": "partition_timestamp"}


def time_columns(definition: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the names of the timestamp and the partition timestamp, None for one that is not marked."""
    return definition.get("timestamp"), definition.get("partition_timestamp")


def marked(
    definition: Mapping[str, Any], timestamp: str | None, partition_timestamp: str | None, old_names: Mapping[str, Any]
) -> dict[str, Any]:
    """
    Return the definition with these time columns instead of those that it had.

    Args:
        old_names: v1's deprecated keywords.

    Raises:
        UserErrorException: unknown keywords, old and new ones at once, a partition timestamp without a timestamp, or
            the same column for both.
    """
    where = "with_timestamp_columns"
    unknown = sorted(set(old_names) - set(_OLD_KEYS))
    if unknown:
        raise UserErrorException(f"{where}: unknown arguments {', '.join(unknown)}; leave them out")
    given = {_OLD_KEYS[key]: value for key, value in old_names.items() if value}
    if given and (timestamp or partition_timestamp):
        raise UserErrorException(f"{where}: {sorted(old_names)} are old names of the other arguments; give one kind")
    timestamp = timestamp or given.get("timestamp")
    partition_timestamp = partition_timestamp or given.get("partition_timestamp")
    if partition_timestamp and not timestamp:
        raise UserErrorException(f"{where}: partition_timestamp {partition_timestamp!r} needs a timestamp too")
    if timestamp and timestamp == partition_timestamp:
        raise UserErrorException(f"{where}: both columns are {timestamp!r}; the partition timestamp is another one")
    changed = {key: value for key, value in definition.items() if key not in _KEYS}
    marks = {key: value for key, value in zip(_KEYS, (timestamp, partition_timestamp)) if value}
    return {**changed, **marks}


def without_dropped(definition: Mapping[str, Any], is_kept: Any) -> dict[str, Any]:
    """Return the definition without marks on columns that are no longer in the table, as in v1."""
    timestamp, partition = time_columns(definition)
    if timestamp is not None and not is_kept(timestamp):
        timestamp = partition = None
    if partition is not None and not is_kept(partition):
        partition = None
    return marked(definition, timestamp, partition, {})


def between(
    definition: Mapping[str, Any],
    start: datetime.datetime | None,
    end: datetime.datetime | None,
    *,
    include_boundary: bool,
    where: str,
) -> dict[str, Any]:
    """
    Return a `filter` step that keeps the rows between two times, either of which may be None.

    Raises:
        DatasetTimestampMissingError: no timestamp column is marked.
        UserErrorException: a bound that is no datetime.
    """
    timestamp, partition = time_columns(definition)
    if timestamp is None:
        raise DatasetTimestampMissingError(
            f"{where}: the dataset has no timestamp column; mark one by with_timestamp_columns(timestamp='...') first"
        )
    condition = None
    for name in (partition, timestamp):
        if name is None:
            continue
        value = column(name, where=where)
        for bound in _bounds(value, start, end, include_boundary, where):
            condition = bound if condition is None else condition & bound
    if condition is None:
        raise UserErrorException(f"{where}: no time is given; give a datetime")
    return {"op": "filter", "expression": condition.node}


def _bounds(value: Any, start: Any, end: Any, include_boundary: bool, where: str) -> Sequence[Any]:
    bounds = []
    for time in (start, end):
        if time is not None and not isinstance(time, datetime.datetime):
            raise UserErrorException(f"{where}: {time!r} is no datetime")
    if start is not None:
        start = start.replace(microsecond=0)
        bounds.append(value >= start if include_boundary else value > start)
    if end is not None:
        if end.microsecond > 500_000:
            end += datetime.timedelta(seconds=1)
        end = end.replace(microsecond=0)
        bounds.append(value <= end if include_boundary else value < end)
    return bounds


def check_times(frame: DataFrame, definition: Mapping[str, Any], *, where: str) -> None:
    """
    Check v1's `validate`: the marked columns are there and hold times.

    Args:
        frame: the head of the table.

    Raises:
        UserErrorException: one is not there, or of another type.
    """
    import pandas

    for name in time_columns(definition):
        if name is None:
            continue
        if name not in frame.columns:
            raise UserErrorException(f"{where}: no column {name!r} in the data, which has {list(frame.columns)!r}")
        if len(frame) and not pandas.api.types.is_datetime64_any_dtype(frame[name]):
            raise UserErrorException(
                f"{where}: column {name!r} is of type {frame[name].dtype}, expected datetime; set it with "
                "set_column_types when the dataset is defined"
            )
