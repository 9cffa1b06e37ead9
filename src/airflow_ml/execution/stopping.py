"""Stopping a running script: by its caller, with its pipeline run, by itself being canceled, or over time."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.pipelines import stop_reason

if TYPE_CHECKING:
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import RunRecord

__all__ = ["StepStopped", "StopWatch"]

#: Seconds between two looks at the registry.
_ASK_SECONDS = 1.5


class StepStopped(AzureMLException):
    """The step was stopped from outside: canceled, cleared, or another step of its pipeline failed."""


class StopWatch:
    """
    Says when a step must end: its caller is asked at every look, the registry now and then.

    Attributes:
        is_over_time: the script has run longer than its time limit.
    """

    def __init__(self, services: Services, task: StepTask, run: RunRecord, is_stopped: Callable[[], bool]) -> None:
        self._runs = services.registry.runs
        self._task = task
        self._run = run
        self._is_stopped = is_stopped
        self._limit = task.step.run_settings.get("max_run_duration_seconds")
        self._started: float | None = None
        self._asked = time.monotonic()
        self._reason: str | None = None
        self.is_over_time = False

    @property
    def limit(self) -> object:
        """The time limit in seconds, or None."""
        return self._limit

    def start_clock(self, started_at: datetime | None = None) -> None:
        """Begin to count the script's time, now or when it was started; the limit is not for what is before that."""
        ago = 0.0 if started_at is None else (datetime.now(timezone.utc) - started_at).total_seconds()
        self._started = time.monotonic() - max(0.0, ago)

    def reason(self, *, ask_now: bool = False) -> str | None:
        """Return why the step must end, or None; once there is a reason it stays."""
        if self._reason is None:
            self._reason = self._look(ask_now=ask_now)
        return self._reason

    def refuse_stopped(self) -> None:
        """Raise StepStopped if the step must not go on; between two phases."""
        reason = self.reason(ask_now=True)
        if reason is not None:
            raise StepStopped(f"{self._task.title} was stopped: {reason}")

    def _look(self, *, ask_now: bool) -> str | None:
        if self._is_stopped():
            return "its task was ended from outside"
        now = time.monotonic()
        started = now if self._started is None else self._started
        if isinstance(self._limit, (int, float)) and now - started > self._limit:
            self.is_over_time = True
            return "its time is over"
        if not ask_now and now - self._asked < _ASK_SECONDS:
            return None
        self._asked = now
        own, pipeline = self._runs.get_both(self._run.id, self._task.pipeline_run_id)
        if own.status == "CancelRequested":
            return "its run was canceled"
        if own.is_final:
            return f"another process has closed its run as {own.status}"
        return stop_reason(pipeline)
