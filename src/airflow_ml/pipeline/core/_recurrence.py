"""When a schedule starts runs (`azureml.pipeline.core.ScheduleRecurrence`): plain data."""

from __future__ import annotations

import re
from datetime import datetime

from airflow_ml.exceptions import GraphError
from airflow_ml.pipeline.core._time_zones import TimeZone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["ScheduleRecurrence", "TimeZone"]

_FREQUENCIES = ("Minute", "Hour", "Day", "Week", "Month")
_WEEK_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TIME_OF_DAY = re.compile(r"([0-9]{1,2}):([0-9]{2})")


class ScheduleRecurrence:
    """
    A pattern of time.

    As in v1 the constructor looks at the start time and the time of day alone; `validate` looks at everything.

    Args:
        frequency: `Minute`, `Hour`, `Day`, `Week` or `Month`.
        interval: how many of these lie between two runs.
        start_time: without a time zone of its own, or text like `2019-11-01T09:00:00`.
        time_zone: default: UTC if there is a start time.
        hours: for days and weeks, 0 to 23.
        minutes: for days and weeks, 0 to 59.
        week_days: for weeks, English names.
        time_of_day: `h:mm`, instead of hours and minutes.

    Raises:
        ValueError: a start time with a time zone, or a time of day that is none or stands beside hours or minutes.
    """

    def __init__(
        self,
        frequency: str,
        interval: int,
        start_time: datetime | str | None = None,
        time_zone: TimeZone | None = None,
        hours: Sequence[int] | None = None,
        minutes: Sequence[int] | None = None,
        week_days: Sequence[str] | None = None,
        time_of_day: str | None = None,
    ) -> None:
        self.frequency = frequency
        self.interval = interval
        self.start_time = _start_text(start_time)
        self.time_zone = TimeZone.UTC if time_zone is None and start_time is not None else time_zone
        self.hours = hours
        self.minutes = minutes
        if time_of_day is not None:
            if hours is not None or minutes is not None:
                raise GraphError(
                    f"recurrence: time_of_day {time_of_day!r} stands beside hours {hours!r} and minutes {minutes!r}; "
                    "give the one or the others"
                )
            self.hours, self.minutes = _split_time(time_of_day)
        self.week_days = week_days

    def validate(self) -> None:
        """
        Check every part.

        Raises:
            ValueError: the first part that cannot be, or that its frequency does not take.
        """
        if self.frequency not in _FREQUENCIES:
            raise GraphError(f"recurrence: frequency is {self.frequency!r}; give one of {', '.join(_FREQUENCIES)}")
        if self.interval < 1:
            raise GraphError(f"recurrence: interval is {self.interval!r}; give a whole number from 1 on")
        self._check_place("hours", self.hours, ("Day", "Week"))
        self._check_place("minutes", self.minutes, ("Day", "Week"))
        self._check_place("week_days", self.week_days, ("Week",))
        _check_values("hours", self.hours, range(24), "0 to 23")
        _check_values("minutes", self.minutes, range(60), "0 to 59")
        _check_values("week_days", self.week_days, _WEEK_DAYS, ", ".join(_WEEK_DAYS))
        if self.time_zone is not None and not isinstance(self.time_zone, TimeZone):
            raise GraphError(f"recurrence: time_zone is {self.time_zone!r}; give a member of TimeZone")
        if self.start_time is not None and self.time_zone is None:
            raise GraphError(f"recurrence: start_time {self.start_time!r} has no time_zone; give a member of TimeZone")

    def _check_place(self, name: str, given: object, frequencies: Sequence[str]) -> None:
        if given is not None and self.frequency not in frequencies:
            raise GraphError(
                f"recurrence: {name} {given!r} with the frequency {self.frequency!r}; they are for "
                f"{' and '.join(frequencies)}"
            )

    def __repr__(self) -> str:
        return f"<ScheduleRecurrence every {self.interval} {self.frequency}>"


def _start_text(start_time: datetime | str | None) -> str | None:
    if not isinstance(start_time, datetime):
        return start_time
    if start_time.tzinfo is not None:
        raise GraphError(f"recurrence: start_time {start_time!r} has a time zone; leave it out and give time_zone=")
    return start_time.strftime("%Y-%m-%dT%H:%M:%S")


def _split_time(time_of_day: str) -> tuple[list[int], list[int]]:
    found = _TIME_OF_DAY.fullmatch(time_of_day)
    if found is None:
        raise GraphError(f"recurrence: time_of_day is {time_of_day!r}; write it like '18:30'")
    hour, minute = int(found[1]), int(found[2])
    if hour > 23 or minute > 59:
        raise GraphError(f"recurrence: time_of_day {time_of_day!r} is not on the clock; hours go to 23, minutes to 59")
    return [hour], [minute]


def _check_values(name: str, given: Iterable[object] | None, allowed: Iterable[object], words: str) -> None:
    for value in given or ():
        if value not in allowed:
            raise GraphError(f"recurrence: {name} has {value!r}; give {words}")
