"""
A recurrence of v1 as a timetable of Airflow: the DAG of a schedule shows it in words, with its next run.

The scheduler imports this through the plugin, so it imports nothing else of ours that is heavy and asks no database:
all that it knows is in the serialized DAG.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pendulum
from airflow.timetables.base import DagRunInfo, DataInterval, Timetable

from airflow_ml.registry.values import utc_now
from airflow_ml.translation.recurrence_times import RecurrenceTimes, describe

if TYPE_CHECKING:
    from airflow.timetables.base import TimeRestriction
    from pendulum import DateTime

    from airflow_ml.graph import Json

__all__ = ["RecurrenceTimetable"]


class RecurrenceTimetable(Timetable):
    """
    Starts runs at the moments of a recurrence.

    As Airflow's own timetables do without `catchup`, it makes up for the last of the moments that were missed while
    Airflow stood still, and for no more.

    Args:
        recurrence: as `airflow_ml.translation.recurrence_times` takes it.
    """

    def __init__(self, recurrence: Mapping[str, Json]) -> None:
        self._recurrence = dict(recurrence)
        self.description = describe(recurrence)

    @cached_property
    def _times(self) -> RecurrenceTimes:
        return RecurrenceTimes.of(self._recurrence)

    @property
    def summary(self) -> str:
        """What Airflow shows where there is little room."""
        return self.description

    def serialize(self) -> dict[str, Any]:
        """Return what the serialized DAG keeps."""
        return {"recurrence": self._recurrence}

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> Timetable:
        """Read it again."""
        return cls(data["recurrence"])

    def infer_manual_data_interval(self, *, run_after: DateTime) -> DataInterval:
        """Return the interval of a run that somebody started by hand."""
        return DataInterval.exact(run_after)

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return when the next run is due."""
        times = self._times
        last = last_automated_data_interval
        due = times.first() if last is None else times.after(_plain(last.end))
        if due is not None and restriction.earliest is not None and due < restriction.earliest:
            due = times.after(_plain(restriction.earliest) - timedelta(microseconds=1))
        missed = None if restriction.catchup else times.until(utc_now())
        if due is not None and missed is not None:
            due = max(due, missed)
        if due is None or (restriction.latest is not None and due > restriction.latest):
            return None
        return DagRunInfo.exact(_of_pendulum(due))


def _of_pendulum(moment: datetime) -> DateTime:
    return pendulum.instance(moment, tz="UTC")


def _plain(moment: DateTime) -> datetime:
    """Return Python's own object: differences of pendulum's cannot be divided by Python's."""
    return datetime.fromisoformat(moment.isoformat())
