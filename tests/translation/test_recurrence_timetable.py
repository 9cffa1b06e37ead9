"""The timetable of v1's recurrences, as Airflow's scheduler asks it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pendulum
import pytest
from airflow.serialization.decoders import decode_timetable
from airflow.serialization.encoders import encode_timetable
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction

from airflow_ml.translation import recurrence_timetable
from airflow_ml.translation.recurrence_timetable import RecurrenceTimetable

CREATED = pendulum.datetime(2026, 3, 2, 12, 0, 0)
DAILY = {"frequency": "Day", "interval": 1, "hours": [6], "minutes": [30], "since": CREATED.isoformat()}


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what sets the clock; it stands at the creation."""

    def stand_at(moment: datetime) -> None:
        plain = datetime.fromisoformat(moment.isoformat())
        monkeypatch.setattr(recurrence_timetable, "utc_now", lambda: plain)

    stand_at(CREATED)
    return stand_at


def next_run(
    last: datetime | None = None,
    *,
    earliest: Any = None,
    latest: Any = None,
    catchup: bool = False,
    **recurrence: Any,
) -> datetime | None:
    """Return when the run after another is due."""
    timetable = RecurrenceTimetable({**DAILY, **recurrence})
    interval = None if last is None else DataInterval.exact(pendulum.instance(last))
    found = timetable.next_dagrun_info(
        last_automated_data_interval=interval, restriction=TimeRestriction(earliest, latest, catchup)
    )
    assert found is None or found == DagRunInfo.exact(found.run_after)
    return None if found is None else found.run_after


def test_it_is_kept_in_serialized_dags() -> None:
    """Airflow writes it and reads it again, in a process that knows it by the plugin alone."""
    kept = encode_timetable(RecurrenceTimetable(DAILY))
    again = decode_timetable(kept)

    assert again.serialize() == {"recurrence": DAILY}
    assert again.summary == again.description == "every day at 06:30 (UTC)"


def test_the_first_run_is_the_first_after_the_creation(now: Any) -> None:
    """Moments before it are none of the schedule's, although Airflow would make up for the last one."""
    assert next_run() == datetime(2026, 3, 3, 6, 30, tzinfo=timezone.utc)


def test_a_recurrence_without_a_start_is_due_at_once(now: Any) -> None:
    """v1 runs the first workload instantly."""
    assert next_run(hours=None, minutes=None) == CREATED


def test_one_missed_run_is_made_up_for(now: Any) -> None:
    """After a pause of days the last missed moment is due, and then the next to come; with catchup, all of them."""
    last = datetime(2026, 3, 3, 6, 30, tzinfo=timezone.utc)
    now(last + timedelta(days=5, hours=1))

    assert next_run(last) == last + timedelta(days=5)
    assert next_run(last + timedelta(days=5)) == last + timedelta(days=6)
    assert next_run(last, catchup=True) == last + timedelta(days=1)


def test_a_parse_does_not_move_what_is_due(now: Any) -> None:
    """A run that is due and not yet made stays due, however often Airflow asks meanwhile."""
    last = datetime(2026, 3, 3, 6, 30, tzinfo=timezone.utc)
    now(last + timedelta(days=1, seconds=20))

    assert next_run(last) == last + timedelta(days=1)


@pytest.mark.parametrize("frequency", ["Minute", "Hour", "Day", "Week", "Month"])
def test_every_frequency_goes_on(now: Any, frequency: str) -> None:
    """Airflow's moments are pendulum's; the next one follows from each of them."""
    others = {"frequency": frequency, "interval": 3, "hours": None, "minutes": None}
    second = next_run(CREATED, **others)

    assert second is not None
    assert CREATED < second < (next_run(second, **others) or CREATED)


def test_start_and_end_of_a_dag_are_minded(now: Any) -> None:
    """A DAG's own dates come on top of the recurrence's."""
    assert next_run(earliest=CREATED.add(days=3)) == datetime(2026, 3, 6, 6, 30, tzinfo=timezone.utc)
    assert next_run(latest=CREATED) is None


def test_runs_by_hand_have_the_moment_itself() -> None:
    """Somebody who triggers the DAG of a schedule gets a run of now."""
    assert RecurrenceTimetable(DAILY).infer_manual_data_interval(run_after=CREATED) == DataInterval.exact(CREATED)
