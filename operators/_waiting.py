"""A step that waits for another run which computes the same result."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk.exceptions import AirflowRescheduleException

if TYPE_CHECKING:
    from airflow_ml.execution.reusing import Waiting

__all__ = ["ask_again_later", "wait_here"]

#: Seconds until the first look, and between looks at most. Each costs a task process for a moment.
_FIRST, _LONGEST = 5.0, 30.0

_LOOK_SECONDS = 0.25


def ask_again_later(context: Mapping[str, Any], waiting: Waiting) -> NoReturn:
    """
    Let go of the pool slot and be started again after a while, longer the longer it waits.

    Airflow starts a task that is rescheduled again by itself, of whatever operator it is (ReadyToRescheduleDep of its
    scheduler, since 3.3); its try number stays, and none of its retries is used up.
    """
    now = datetime.now(timezone.utc)
    since = context["ti"].get_first_reschedule_date(context) or now
    seconds = min(waiting.seconds, _LONGEST, max(_FIRST, (now - since).total_seconds() / 3))
    raise AirflowRescheduleException(now + timedelta(seconds=seconds))  # type: ignore[no-untyped-call]  # Airflow's own


def wait_here(waiting: Waiting, is_stopped: Callable[[], bool]) -> None:
    """Wait in this process, in an embedded run: it has no slots, and nothing else that could run meanwhile."""
    end = time.monotonic() + min(waiting.seconds, _FIRST)
    while time.monotonic() < end and not is_stopped():
        time.sleep(_LOOK_SECONDS)
