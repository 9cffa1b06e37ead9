"""The time columns of a table, for the datasets that a pipeline is built with and for those inside a step alike."""

from __future__ import annotations

from airflow_ml._late import late

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime as datetimes
    from collections.abc import Callable, Mapping
    from datetime import datetime, timedelta
    from typing import Any, Protocol, TypeVar

    from airflow_ml.runtime import table_times

    class Table(Protocol):
        """What a table must have for `TimedTable` to work on it."""

        @property
        def definition(self) -> Mapping[str, Any]: ...

        def _derived(self: Self, definition: Any) -> Self: ...

        def _with_step(self: Self, step: Any) -> Self: ...

        def _checked(self: Self, where: str) -> Self: ...

        def _between(
            self: Self,
            start: datetime | None,
            end: datetime | None,
            include_boundary: bool,
            validate: bool,
            *,
            where: str,
        ) -> Self: ...

    Self = TypeVar("Self", bound=Table)
else:
    datetimes = late("datetime")
    table_times = late("airflow_ml.runtime.table_times")

__all__ = ["TimedTable"]


class TimedTable:
    """Adds to a table what v1 lets one do with the columns that `with_timestamp_columns` has marked."""

    def with_timestamp_columns(
        self: Self,
        timestamp: str | None = None,
        partition_timestamp: str | None = None,
        validate: bool = False,
        **kwargs: object,
    ) -> Self:
        """
        Return the table with these columns marked as its time, which `time_before` and its neighbours need.

        Args:
            timestamp: column with the time of each row; None takes the marks away.
            partition_timestamp: column with the same time in a coarser grain, taken from the paths.
            validate: read the table's head now and fail unless the columns are there and hold times; not done while
                Airflow parses a DAG file.
            **kwargs: v1's old names `fine_grain_timestamp` and `coarse_grain_timestamp`.

        Raises:
            UserErrorException: a partition timestamp alone, one column for both, or old and new names together.
        """
        marked = self._derived(table_times.marked(self.definition, timestamp, partition_timestamp, kwargs))
        return marked._checked("with_timestamp_columns") if validate else marked

    @property
    def timestamp_columns(self: Table) -> tuple[str | None, str | None]:
        """Names of the timestamp and the partition timestamp column; None for one that is not marked."""
        return table_times.time_columns(self.definition)

    def time_after(self: Self, start_time: datetime, include_boundary: bool = True, validate: bool = True) -> Self:
        """
        Return the rows from a time on, by the columns of `with_timestamp_columns`.

        Args:
            start_time: without a zone it means UTC; its fraction of a second is cut off.
            include_boundary: rows of that very second as well.
            validate: read the table's head now and fail unless the time columns hold times; not done while Airflow
                parses a DAG file.

        Raises:
            DatasetTimestampMissingError: no timestamp column is marked.
        """
        return self._between(start_time, None, include_boundary, validate, where="time_after")

    def time_before(self: Self, end_time: datetime, include_boundary: bool = True, validate: bool = True) -> Self:
        """Return the rows up to a time, rounded to the second; otherwise as `time_after`."""
        return self._between(None, end_time, include_boundary, validate, where="time_before")

    def time_between(
        self: Self, start_time: datetime, end_time: datetime, include_boundary: bool = True, validate: bool = True
    ) -> Self:
        """Return the rows between two times; see `time_after` and `time_before`."""
        return self._between(start_time, end_time, include_boundary, validate, where="time_between")

    def time_recent(self: Self, time_delta: timedelta, include_boundary: bool = True, validate: bool = True) -> Self:
        """Return the rows of the last `time_delta` before now, by the machine's clock; see `time_after`."""
        start = datetimes.datetime.now() - time_delta
        return self._between(start, None, include_boundary, validate, where="time_recent")

    def _between(
        self: Self, start: datetime | None, end: datetime | None, include_boundary: bool, validate: bool, *, where: str
    ) -> Self:
        step = table_times.between(self.definition, start, end, include_boundary=include_boundary, where=where)
        return (self._checked(where) if validate else self)._with_step(step)

    def _with_columns(self: Self, op: str, columns: list[Any], is_kept: Callable[[str], bool]) -> Self:
        """Return the table after a step on its columns; a time column that is gone is no longer marked as one."""
        changed = self._with_step({"op": op, "columns": columns})
        return changed._derived(table_times.without_dropped(changed.definition, is_kept))
