"""
At which moments a recurrence of v1 starts runs: pure functions of plain data and a moment.

The rules are those of v1's recurrences (`azureml.pipeline.core.ScheduleRecurrence`, and the Logic Apps behind it):

- Minutes and hours pass by every clock alike: they are counted from the start, in UTC.
- Days, weeks and months are those of the wall clock in the recurrence's time zone. A time that the clock jumps over in
  spring comes as much later as the clock jumps, and one that it shows twice in autumn comes the first time alone.
- Weeks begin on Monday. A month that has no such day has its last one (.NET's AddMonths).
- Hours, minutes and week days that are not given are those of the start. With any of them given, the start itself is
  no time of the schedule (v1's documentation of `start_time`).
- Without a start, the moment of creation takes its place, to the second.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

from airflow_ml.translation.windows_zones import zone_named

if TYPE_CHECKING:
    from airflow_ml.graph import Json

__all__ = ["RecurrenceTimes", "describe"]

_WEEK_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_STEPS = {"Minute": timedelta(minutes=1), "Hour": timedelta(hours=1)}
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True)
class RecurrenceTimes:
    """
    The moments of one recurrence, all of them in UTC.

    Attributes:
        start: on the wall clock of the zone, without a zone.
        since: nothing is due before.
        week_days: 0 is Monday; as hours and minutes, they are the start's where there are none.
    """

    frequency: str
    interval: int
    zone: ZoneInfo
    start: datetime
    since: datetime
    hours: tuple[int, ...] = ()
    minutes: tuple[int, ...] = ()
    week_days: tuple[int, ...] = ()

    @classmethod
    def of(cls, description: Mapping[str, Json]) -> RecurrenceTimes:
        """
        Read one from its plain data.

        Args:
            description: v1's fields, and `since`, the moment from which on it counts, as ISO text.
        """
        since = datetime.fromisoformat(cast(str, description["since"]))
        zone = zone_named(cast(str, description.get("time_zone") or "UTC"))
        start = cast("str | None", description.get("start_time"))
        now = since.astimezone(zone).replace(tzinfo=None, microsecond=0)
        return cls(
            frequency=cast(str, description["frequency"]),
            interval=cast(int, description["interval"]),
            zone=zone,
            start=datetime.fromisoformat(start) if start else now,
            since=since.replace(microsecond=0),
            hours=tuple(sorted({*cast("list[int]", description.get("hours") or [])})),
            minutes=tuple(sorted({*cast("list[int]", description.get("minutes") or [])})),
            week_days=tuple(
                sorted({_WEEK_DAYS.index(day) for day in cast("list[str]", description.get("week_days") or [])})
            ),
        )

    @property
    def has_marks(self) -> bool:
        """Whether hours, minutes or days of the week were given."""
        return bool(self.hours or self.minutes or self.week_days)

    def first(self) -> datetime | None:
        """Return the first moment."""
        return self.after(self.since - _MOMENT)

    def after(self, moment: datetime) -> datetime | None:
        """Return the first moment later than another; None if the calendar ends before."""
        moment = max(moment, self._last_excluded)
        period = max(0, self._period_of(moment) - 1)
        while self._exists(period):
            # A clock that jumps can move times into the next period, so both are looked at.
            found = [time for number in (period, period + 1) for time in self._times_of(number) if time > moment]
            if found:
                return min(found)
            period += 1
        return None

    def until(self, moment: datetime) -> datetime | None:
        """Return the last moment that is not later than another; None if there is none."""
        for period in range(self._period_of(moment) + 1, -1, -1):
            # One more before it, for the same reason.
            found = [time for number in (period, period - 1) for time in self._times_of(number) if time <= moment]
            if found:
                return max(found) if max(found) > self._last_excluded else None
        return None

    @cached_property
    def _start_moment(self) -> datetime:
        return _moment(self.start, self.zone)

    @cached_property
    def _last_excluded(self) -> datetime:
        """The last moment that is too early: times of the schedule are later than it."""
        first = self._start_moment if self.has_marks else self._start_moment - _MOMENT
        return max(first, self.since - _MOMENT)

    def _period_of(self, moment: datetime) -> int:
        """Return about which period a moment lies in; it may be one off, because of clocks that jump."""
        passed = moment - self._start_moment
        if self.frequency in _STEPS:
            return passed // (_STEPS[self.frequency] * self.interval)
        if self.frequency == "Month":
            local = moment.astimezone(self.zone)
            return ((local.year - self.start.year) * 12 + local.month - self.start.month) // self.interval
        return passed.days // (self.interval * (7 if self.frequency == "Week" else 1))

    def _exists(self, period: int) -> bool:
        """Whether there is such a period; the calendar ends a year early here, for the sake of zones."""
        try:
            return period >= 0 and self._begin_of(period).year < MAXYEAR
        except (OverflowError, ValueError):
            return False

    def _begin_of(self, period: int) -> datetime:
        """Return a moment near the beginning of a period."""
        count = period * self.interval
        if self.frequency in _STEPS:
            return self._start_moment + count * _STEPS[self.frequency]
        if self.frequency == "Month":
            return _months_later(self.start, count).replace(tzinfo=timezone.utc)
        days = count if self.frequency == "Day" else count * 7 - self.start.weekday()
        return (self.start + timedelta(days=days)).replace(tzinfo=timezone.utc)

    def _times_of(self, period: int) -> list[datetime]:
        """Return the moments of a period, the excluded ones among them; none if there is no such period."""
        if not self._exists(period):
            return []
        if self.frequency in _STEPS:
            return [self._begin_of(period)]
        return [_moment(wall, self.zone) for wall in self._walls_of(period)]

    def _walls_of(self, period: int) -> Iterator[datetime]:
        """Yield what the wall clock shows at the moments of a period."""
        begin = self._begin_of(period).replace(tzinfo=None)
        days = [begin]
        if self.frequency == "Week":
            days = [begin + timedelta(days=day) for day in self.week_days or (self.start.weekday(),)]
        for day in days:
            for hour in self.hours or (self.start.hour,):
                for minute in self.minutes or (self.start.minute,):
                    yield day.replace(hour=hour, minute=minute, second=0 if self.minutes else self.start.second)


def describe(description: Mapping[str, Json]) -> str:
    """Say a recurrence in words, for the pages of Airflow."""
    times = RecurrenceTimes.of(description)
    unit = times.frequency.lower()
    words = [f"every {unit}" if times.interval == 1 else f"every {times.interval} {unit}s"]
    if times.week_days:
        words.append(f"on {', '.join(_WEEK_DAYS[day] for day in times.week_days)}")
    if times.hours or times.minutes:
        hours, minutes = times.hours or (times.start.hour,), times.minutes or (times.start.minute,)
        words.append(f"at {', '.join(f'{hour:02}:{minute:02}' for hour in hours for minute in minutes)}")
    if description.get("start_time"):
        words.append(f"from {times.start:%Y-%m-%d %H:%M:%S} on")
    return f"{' '.join(words)} ({description.get('time_zone') or 'UTC'})"


def _moment(wall: datetime, zone: ZoneInfo) -> datetime:
    """
    Return when a zone's clocks show that time.

    A time that they jump over counts by the offset before the jump, and one that they show twice by the first (PEP 495,
    fold 0).
    """
    return wall.replace(tzinfo=zone, fold=0).astimezone(timezone.utc)


def _months_later(wall: datetime, months: int) -> datetime:
    year, month = divmod(wall.year * 12 + wall.month - 1 + months, 12)
    return wall.replace(year=year, month=month + 1, day=min(wall.day, calendar.monthrange(year, month + 1)[1]))
