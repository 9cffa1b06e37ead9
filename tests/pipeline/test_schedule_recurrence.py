"""Recurrences of schedules: what the constructor looks at, and what `validate` does (v1's two places)."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest

from airflow_ml.pipeline.core import ScheduleRecurrence, TimeZone
from airflow_ml.pipeline.core.schedule import ScheduleRecurrence as SecondPlace

GOOD = [
    {"frequency": "Minute", "interval": 15},
    {"frequency": "Week", "interval": 2, "week_days": ["Monday", "Wednesday"], "time_of_day": "18:30"},
    {"frequency": "Day", "interval": 1, "hours": [0, 23], "minutes": [0, 59]},
    {"frequency": "Month", "interval": 1, "start_time": "2019-11-01T09:00:00"},
    {"frequency": "Hour", "interval": 1, "time_zone": TimeZone.CentralEuropeanStandardTime},
]
#: What `validate` refuses, and a word of its sentence; the constructor takes all of them.
BAD = [
    ({"frequency": "Second", "interval": 1}, "frequency"),
    ({"frequency": "Day", "interval": 0}, "interval"),
    ({"frequency": "Hour", "interval": 1, "hours": [1]}, "hours"),
    ({"frequency": "Month", "interval": 1, "minutes": [1]}, "minutes"),
    ({"frequency": "Day", "interval": 1, "week_days": ["Monday"]}, "week_days"),
    ({"frequency": "Day", "interval": 1, "hours": [24]}, "24"),
    ({"frequency": "Day", "interval": 1, "minutes": [60]}, "60"),
    ({"frequency": "Week", "interval": 1, "week_days": ["Mon"]}, "'Mon'"),
    ({"frequency": "Day", "interval": 1, "time_zone": "UTC"}, "time_zone"),
]


@pytest.mark.parametrize("given", GOOD)
def test_pattern_is_valid(given: dict[str, Any]) -> None:
    """What v1's documentation shows is fine."""
    ScheduleRecurrence(**given).validate()


@pytest.mark.parametrize(("given", "word"), BAD)
def test_pattern_is_refused_by_validate_alone(given: dict[str, Any], word: str) -> None:
    """The constructor lets them pass, as in v1; validate raises ValueError and names the part."""
    recurrence = ScheduleRecurrence(**given)

    with pytest.raises(ValueError, match=word):
        recurrence.validate()


def test_time_of_day_becomes_lists() -> None:
    """As in v1, `18:30` is hours and minutes."""
    recurrence = ScheduleRecurrence("Day", 1, time_of_day="8:05")

    assert (recurrence.hours, recurrence.minutes) == ([8], [5])


@pytest.mark.parametrize("text", ["24:00", "10:60", "noon", "10:5", "10:000"])
def test_time_of_day_that_is_none_is_refused_at_once(text: str) -> None:
    """The constructor looks at it."""
    with pytest.raises(ValueError, match=text):
        ScheduleRecurrence("Day", 1, time_of_day=text)


def test_time_of_day_stands_alone() -> None:
    """Beside hours or minutes it is refused at once."""
    with pytest.raises(ValueError, match="time_of_day"):
        ScheduleRecurrence("Day", 1, hours=[1], time_of_day="8:05")


def test_start_time_is_text_without_a_zone() -> None:
    """A datetime becomes v1's text, its zone UTC; one with a zone of its own is refused at once."""
    recurrence = ScheduleRecurrence("Hour", 1, start_time=datetime(2020, 1, 13, 12, 55))  # noqa: DTZ001 - v1's form

    assert recurrence.start_time == "2020-01-13T12:55:00"
    assert recurrence.time_zone is TimeZone.UTC
    with pytest.raises(ValueError, match="time_zone="):
        ScheduleRecurrence("Hour", 1, start_time=datetime(2020, 1, 13, tzinfo=timezone.utc))


def test_time_zones_have_windows_names() -> None:
    """All of v1's zones, by both places of the class."""
    assert len(TimeZone) == 131
    assert TimeZone.UTC12.value == "UTC+12"
    assert SecondPlace is ScheduleRecurrence
