"""
Tasks whose queue has no worker, said where people look for the reason.

Celery keeps a task until a worker asks for its queue, and Airflow shows it as queued meanwhile, without a word. A
compute target is a queue of its own, so one whose workers were never started looks like one that is busy. Airflow's own
events of the task (its page's audit log) say it, and the API server's log.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from airflow.configuration import conf
from airflow.models.log import Log
from airflow.models.pool import Pool
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import or_, select

from airflow_ml.plugins.pool_descriptions import POOL_MARK

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

__all__ = ["EVENT", "QueueWatch", "served_by_celery"]

logger = logging.getLogger(__name__)

#: Airflow's word for what has happened to a task, in its events.
EVENT = "no worker for queue"

#: Seconds between two looks, and for which a task is queued before it is asked who serves its queue.
_LOOK_SECONDS, _QUEUED_SECONDS = 30.0, 30.0

#: Seconds for Celery's workers to answer.
_ANSWER_SECONDS = 3.0

#: Events are written for so many tasks of a look; all others of the queue wait for the same.
_SAID_AT_ONCE = 100


def served_by_celery() -> set[str] | None:
    """Return the queues that workers of Celery ask for; None where Celery does not run the tasks, or cannot say."""
    if "celery" not in _executors().lower():
        return None
    from airflow.providers.celery.executors.celery_executor_utils import app

    try:
        answers = app.control.inspect(timeout=_ANSWER_SECONDS).active_queues() or {}
    except Exception as error:  # noqa: BLE001 - a broker can fail in any way of its driver
        logger.debug("workers were not asked for their queues: %s", error)
        return None
    return {queue["name"] for queues in answers.values() for queue in queues}


def _executors() -> str:
    return conf.get("core", "executor", fallback="")


def _is_for_celery() -> ColumnElement[bool]:
    """Return the condition that Celery runs a task: by name, or because it is the executor that is configured first."""
    named = TaskInstance.executor.ilike("%celery%")
    is_default = "celery" in _executors().partition(",")[0].lower()
    return or_(named, TaskInstance.executor.is_(None)) if is_default else named


class QueueWatch:
    """
    Looks for queued tasks of compute targets that no worker will take; for one thread.

    Args:
        find_served: returns the queues that workers ask for; None if nothing is known of them.
    """

    def __init__(self, find_served: Callable[[], set[str] | None] = served_by_celery) -> None:
        self._find_served = find_served
        self._next = 0.0
        self._missing: set[str] = set()

    def look(self) -> None:
        """Say it of tasks whose queue had no worker at this look and the one before: a busy one may answer late."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _LOOK_SECONDS
        with create_session(scoped=False) as session:
            queues = {task.queue for task in self._waiting(session) if task.queue is not None}
        served = self._find_served() if queues else None
        missing = set() if served is None else queues - served
        certain, self._missing = missing & self._missing, missing
        if certain:
            with create_session(scoped=False) as session:
                self._say(session, certain)

    def _waiting(self, session: Session) -> Iterator[TaskInstance]:
        """Find tasks that are queued for a while, of pools that stand for compute targets."""
        since = datetime.now(timezone.utc) - timedelta(seconds=_QUEUED_SECONDS)
        yield from session.scalars(
            select(TaskInstance)
            .join(Pool, Pool.pool == TaskInstance.pool)
            .where(TaskInstance.state == TaskInstanceState.QUEUED, TaskInstance.queued_dttm < since)
            .where(Pool.description.like(f"{POOL_MARK}%"), _is_for_celery())
            .limit(_SAID_AT_ONCE)
        )

    def _say(self, session: Session, queues: set[str]) -> None:
        for task in self._waiting(session):
            if task.queue in queues and not _is_said(session, task):
                text = (
                    f"queue {task.queue!r} of its compute target has no Celery worker that answers; start one on a"
                    f" machine of the target: airflow celery worker --queues {task.queue}"
                )
                logger.warning("task %s of DAG %s stays queued: %s", task.task_id, task.dag_id, text)
                session.add(Log(event=EVENT, task_instance=task.key, owner="airflow-ml", extra=text))


def _is_said(session: Session, task: TaskInstance) -> bool:
    """Whether it was said of this try, here or by another API server."""
    key = (Log.dag_id == task.dag_id, Log.run_id == task.run_id, Log.task_id == task.task_id)
    place = (Log.map_index == task.map_index, Log.try_number == task.try_number, Log.event == EVENT)
    return session.scalars(select(Log.id).where(*key, *place).limit(1)).first() is not None
