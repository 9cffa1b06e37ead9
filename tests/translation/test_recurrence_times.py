"""When recurrences start runs: v1's rules as pure functions, against dateutil's, croniter's and plain arithmetic."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from croniter import croniter
from dateutil import rrule
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_ml.exceptions import UserErrorException
from airflow_ml.pipeline.core import TimeZone
from airflow_ml.translation.recurrence_times import RecurrenceTimes, describe
from airflow_ml.translation.windows_zones import zone_named

UTC = timezone.utc
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]

#: Zones whose clocks jump in different months, by half an hour, by 45 minutes off, or not at all.
ZONES = ["UTC", "Eastern Standard Time", "W. Europe Standard Time", "Lord Howe Standard Time", "Nepal Standard Time"]


def recurrence(frequency: str, interval: int = 1, since: str = "2026-01-01T00:00:00+00:00", **others: Any) -> Any:
    """Return the times of a recurrence."""
    return RecurrenceTimes.of({"frequency": frequency, "interval": interval, "since": since, **others})


def first(times: RecurrenceTimes, count: int) -> list[str]:
    """Return the first moments as they stand on the wall clock of the recurrence's zone."""
    found = [times.first()]
    while len(found) < count:
        found.append(times.after(found[-1]))
    return [f"{moment.astimezone(times.zone):%m-%d %H:%M:%S}" for moment in found]


def test_every_time_zone_of_v1_is_known() -> None:
    """All Windows names stand for a zone of the IANA data base, and no other name does."""
    assert all(isinstance(zone_named(zone.value), ZoneInfo) for zone in TimeZone)
    with pytest.raises(UserErrorException, match=r"'CET' is none of v1's; give a member of TimeZone"):
        zone_named("CET")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # Without a start the first run is due at once, and the others are counted from then.
        (("Minute", 15, "2026-01-01T10:07:03.5+00:00"), ["01-01 10:07:03", "01-01 10:22:03", "01-01 10:37:03"]),
        (("Day", 2, "2026-01-01T10:07:03+00:00"), ["01-01 10:07:03", "01-03 10:07:03", "01-05 10:07:03"]),
        (("Month", 1, "2026-01-31T09:00:00+00:00"), ["01-31 09:00:00", "02-28 09:00:00", "03-31 09:00:00"]),
    ],
)
def test_a_recurrence_without_a_start(given: Any, expected: list[str]) -> None:
    """The moment of creation is its start, to the second (v1: the first workload is run instantly)."""
    assert first(recurrence(*given), 3) == expected


@pytest.mark.parametrize(
    ("frequency", "interval", "others", "expected"),
    [
        # v1's own examples, and those of the Logic Apps behind it.
        ("Week", 2, {"week_days": ["Monday", "Wednesday"], "hours": [18], "minutes": [30]}, ["01-12 18:30", "01-14"]),
        ("Month", 1, {"start_time": "2025-11-01T09:00:00"}, ["02-01 09:00", "03-01 09:00"]),
        ("Hour", 1, {"start_time": "2020-01-13T12:55:00"}, ["01-03 14:55", "01-03 15:55"]),
        ("Day", 2, {"start_time": "2026-01-02T14:00:00"}, ["01-04 14:00", "01-06 14:00"]),
        ("Day", 1, {"hours": [8, 16], "minutes": [45, 30]}, ["01-03 16:30", "01-03 16:45", "01-04 08:30"]),
        ("Day", 1, {"hours": [8]}, ["01-04 08:20", "01-05 08:20"]),
        ("Day", 1, {"minutes": [5]}, ["01-04 14:05", "01-05 14:05"]),
        ("Week", 1, {"week_days": ["Saturday"], "start_time": "2026-01-09T17:00:00"}, ["01-10 17:00", "01-17 17:00"]),
    ],
)
def test_examples_of_v1(frequency: str, interval: int, others: Any, expected: list[str]) -> None:
    """Past times are passed over, missing hours and minutes are those of the start or of the creation."""
    times = recurrence(frequency, interval, "2026-01-03T14:20:00+00:00", **others)

    assert all(time.startswith(wanted) for time, wanted in zip(first(times, len(expected)), expected, strict=True))


def test_a_start_that_fits_the_pattern_is_no_time_of_it() -> None:
    """With hours, minutes or week days the first run is later than the start (v1's documentation of start_time)."""
    start = "2026-02-02T18:30:00"

    assert first(recurrence("Day", start_time=start, hours=[18], minutes=[30]), 1) == ["02-03 18:30:00"]
    assert first(recurrence("Day", start_time=start), 1) == ["02-02 18:30:00"]


@pytest.mark.parametrize(
    ("zone", "since", "expected"),
    [
        # New York: 02:30 is jumped over on March 8, and shown twice on November 1.
        ("Eastern Standard Time", "2026-03-07T00:00:00+00:00", ["03-07 02:30:00", "03-08 03:30:00", "03-09 02:30:00"]),
        ("Eastern Standard Time", "2026-10-31T12:00:00+00:00", ["11-01 02:30:00", "11-02 02:30:00", "11-03 02:30:00"]),
        ("W. Europe Standard Time", "2026-03-28T12:00:00+00:00", ["03-29 03:30:00", "03-30 02:30:00"]),
        ("W. Europe Standard Time", "2026-10-24T12:00:00+00:00", ["10-25 02:30:00", "10-26 02:30:00"]),
        # Lord Howe's clocks jump by half an hour at two.
        ("Lord Howe Standard Time", "2026-10-03T00:00:00+00:00", ["10-04 02:30:00", "10-05 02:30:00"]),
    ],
)
def test_clocks_that_jump(zone: str, since: str, expected: list[str]) -> None:
    """A time that is jumped over comes later on the same day, one that is shown twice comes once."""
    times = recurrence("Day", since=since, time_zone=zone, hours=[2], minutes=[30])

    assert first(times, len(expected)) == expected


def test_two_times_that_fall_together_are_one() -> None:
    """02:30 is jumped over and becomes 03:30, at which a run is due anyway."""
    times = recurrence(
        "Day", since="2026-03-08T00:00:00-05:00", time_zone="Eastern Standard Time", hours=[2, 3], minutes=[30]
    )

    assert first(times, 3) == ["03-08 03:30:00", "03-09 02:30:00", "03-09 03:30:00"]


def test_the_first_of_two_equal_times_is_taken() -> None:
    """01:30 is shown twice in New York on November 1; the run is due the first time, in summer time."""
    times = recurrence(
        "Day", since="2026-11-01T00:00:00-04:00", time_zone="Eastern Standard Time", hours=[1], minutes=[30]
    )

    assert times.first() == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_hours_pass_by_every_clock_alike() -> None:
    """Twelve hours are twelve hours, also where the clock jumps between them (v1: Minute and Hour)."""
    times = recurrence("Hour", 12, "2026-03-08T00:00:00-05:00", time_zone="Eastern Standard Time")

    assert first(times, 3) == ["03-08 00:00:00", "03-08 13:00:00", "03-09 01:00:00"]


def test_a_day_that_a_zone_has_left_out() -> None:
    """Samoa had no December 30 in 2011: what was due then falls together with what was due a day later."""
    times = recurrence("Day", since="2011-12-28T00:00:00+00:00", time_zone="Samoa Standard Time", hours=[10])

    assert [time[:5] for time in first(times, 3)] == ["12-28", "12-29", "12-31"]


def test_a_recurrence_that_the_calendar_does_not_reach() -> None:
    """It never comes, and that is no error."""
    times = recurrence("Day", 10**12, start_time="2020-01-01T00:00:00")

    assert (times.first(), times.until(datetime(2030, 1, 1, tzinfo=UTC))) == (None, None)


@pytest.mark.parametrize(
    ("frequency", "others", "words"),
    [
        ("Day", {}, "every day (UTC)"),
        ("Week", {"interval": 2, "week_days": ["Friday"], "hours": [6], "minutes": [5]}, "every 2 weeks on Friday at"),
        ("Hour", {"start_time": "2026-01-01T00:00:00", "time_zone": "UTC-02"}, "from 2026-01-01 00:00:00 on (UTC-02)"),
    ],
)
def test_it_is_told_in_words(frequency: str, others: Any, words: str) -> None:
    """Airflow's pages show what was asked for."""
    said = describe({"frequency": frequency, "interval": 1, "since": "2026-01-01T00:00:00+00:00", **others})

    assert words in said


starts = st.integers(0, 3 * 365 * 86_400).map(
    lambda seconds: datetime.fromisoformat("2025-01-01") + timedelta(0, seconds)
)
marks = st.fixed_dictionaries(
    {
        "hours": st.lists(st.integers(0, 23), max_size=4),
        "minutes": st.lists(st.integers(0, 59), max_size=4),
    }
)
recurrences = st.tuples(
    st.sampled_from(["Minute", "Hour", "Day", "Week", "Month"]),
    st.integers(1, 40),
    starts,
    st.sampled_from(ZONES),
    marks,
    st.lists(st.sampled_from(DAYS), max_size=4),
).map(
    lambda drawn: recurrence(
        drawn[0],
        drawn[1],
        (drawn[2] - timedelta(days=5)).isoformat() + "+00:00",
        start_time=drawn[2].isoformat(),
        time_zone=drawn[3],
        **(drawn[4] if drawn[0] in ("Day", "Week") else {}),
        **({"week_days": drawn[5]} if drawn[0] == "Week" else {}),
    )
)


@settings(max_examples=150, deadline=None)
@given(recurrences, st.timedeltas(timedelta(0), timedelta(days=900)))
def test_before_and_after_agree(times: RecurrenceTimes, passed: timedelta) -> None:
    """Between the last moment until now and the first after now there is none, and each finds the other."""
    now = times.since + passed
    last, following = times.until(now), times.after(now)

    assert last is None or times.since <= last <= now
    assert following is not None
    assert now < following
    assert times.until(following) == following
    assert times.until(following - timedelta(microseconds=1)) == last
    assert times.after(last or times.since - timedelta(days=1)) == following


@settings(max_examples=100, deadline=None)
@given(
    frequency=st.sampled_from(["Day", "Week"]),
    interval=st.integers(1, 5),
    start=starts,
    marked=marks,
    days=st.lists(st.sampled_from(DAYS), max_size=3),
)
def test_days_and_weeks_are_those_of_rfc_5545(
    frequency: str, interval: int, start: datetime, marked: Any, days: list[str]
) -> None:
    """Without clocks that jump, dateutil's rules say the same; its weeks begin on Monday too."""
    days = days if frequency == "Week" else []
    times = recurrence(
        frequency, interval, f"{start.isoformat()}+00:00", start_time=start.isoformat(), week_days=days, **marked
    )
    rule = rrule.rrule(
        rrule.DAILY if frequency == "Day" else rrule.WEEKLY,
        interval=interval,
        dtstart=start,
        byhour=sorted(set(marked["hours"])) or None,
        byminute=sorted(set(marked["minutes"])) or None,
        bysecond=0 if marked["minutes"] else start.second,
        byweekday=[DAYS.index(day) for day in days] or None,
    )

    expected = rule.after(start, inc=not times.has_marks)
    for _ in range(5):
        found = times.first() if expected is None else times.until(expected.replace(tzinfo=UTC))
        assert found == expected.replace(tzinfo=UTC)
        assert times.after(found) == rule.after(expected).replace(tzinfo=UTC)
        expected = rule.after(expected)


@settings(max_examples=60, deadline=None)
@given(start=starts, hour=st.integers(4, 23), minute=st.integers(0, 59), zone=st.sampled_from(ZONES))
def test_a_daily_time_is_that_of_cron(start: datetime, hour: int, minute: int, zone: str) -> None:
    """At hours at which no clock jumps, a daily recurrence is what cron makes of the same zone."""
    times = recurrence("Day", since=f"{start.isoformat()}+00:00", time_zone=zone, hours=[hour], minutes=[minute])
    cron = croniter(f"{minute} {hour} * * *", times.since.astimezone(times.zone))

    assert times.first() == cron.get_next(datetime)
