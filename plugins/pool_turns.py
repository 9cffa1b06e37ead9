"""
A way into full pools for steps that take several GPUs.

Airflow gives free slots to any waiting task that they suffice for. A task that needs four at once is overtaken for as
long as there are small ones, because never more than one is free. Slots of GPU targets only admit tasks, and devices
are handed out where the task arrives, in the order of arrival (`airflow_ml.compute.device_queue`). So such a task is
let in at the price of one slot, as any other, and waits for its devices where nobody overtakes it. Once it is in, it
counts as what it takes: more tasks come in when enough others have ended.

Steps on several nodes are not let in so: nodes of two of them could wait for each other's devices.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from airflow.models.pool import Pool
from airflow.models.taskinstance import TaskInstance
from airflow.utils.state import TaskInstanceState
from sqlalchemy import select, update

from airflow_ml.plugins.pool_descriptions import POOL_MARK, PoolDescription

if TYPE_CHECKING:
    from uuid import UUID

    from sqlalchemy.orm import Session

__all__ = ["PoolTurns"]

logger = logging.getLogger(__name__)

#: States of tasks that have slots of a pool, or wait for them.
_IN_POOLS = (
    TaskInstanceState.SCHEDULED,
    TaskInstanceState.QUEUED,
    TaskInstanceState.RUNNING,
    TaskInstanceState.DEFERRED,
)

#: Returns what a task of a version of a DAG says of its compute target.
Describe: TypeAlias = "Callable[[Session, UUID, str], PoolDescription | None]"


class PoolTurns:
    """Lets tasks that are overtaken into their pools; for one thread."""

    def __init__(self, describe: Describe) -> None:
        self._describe = describe
        self._slots: dict[UUID, int] = {}
        self._has_asked = False

    def doubtful(self, session: Session) -> dict[UUID, PoolDescription]:
        """
        Return the tasks that take one slot and may have been let in by a process that has ended; once.

        Whoever knows what each takes tells it by `remember`.
        """
        if self._has_asked:
            return {}
        rows = session.execute(
            select(TaskInstance.id, TaskInstance.dag_version_id, TaskInstance.task_id)
            .join(Pool, Pool.pool == TaskInstance.pool)
            .where(TaskInstance.state.in_(_IN_POOLS), Pool.description.like(f"{POOL_MARK}%"))
            .where(TaskInstance.pool_slots == 1)
        ).all()
        found = {task: self._describe(session, version, task_id) for task, version, task_id in rows if version}
        self._has_asked = True
        return {task: description for task, description in found.items() if description and description.nodes == 1}

    def remember(self, task: UUID, slots: int) -> None:
        """Count a task as so many slots when it waits no more."""
        if slots > 1:
            self._slots[task] = slots

    def look(self, session: Session) -> None:
        """Let in one task of each pool that is too full for it, and count those that have come in as what they take."""
        self._settle(session)
        waiting = session.execute(
            select(
                TaskInstance.id,
                TaskInstance.dag_version_id,
                TaskInstance.task_id,
                TaskInstance.pool_slots,
                TaskInstance.pool,
            )
            .join(Pool, Pool.pool == TaskInstance.pool)
            .where(TaskInstance.state == TaskInstanceState.SCHEDULED, Pool.description.like(f"{POOL_MARK}%"))
            .where(TaskInstance.pool_slots > 1, TaskInstance.pool_slots <= Pool.slots)
            .order_by(TaskInstance.priority_weight.desc(), TaskInstance.scheduled_dttm)
        ).all()
        free = {name: stats["open"] for name, stats in Pool.slots_stats(session=session).items()} if waiting else {}
        served: set[str] = set()
        for task, version, task_id, slots, pool in waiting:
            if pool in served or slots <= free.get(pool, 0) or version is None:
                continue
            description = self._describe(session, version, task_id)
            if description is not None and description.nodes == 1:
                served.add(pool)
                self._let_in(session, task, slots)

    def _let_in(self, session: Session, task: UUID, slots: int) -> None:
        is_waiting = (TaskInstance.id == task, TaskInstance.state == TaskInstanceState.SCHEDULED)
        session.execute(update(TaskInstance).where(*is_waiting).values(pool_slots=1))
        self._slots[task] = slots
        logger.debug("task %s takes one slot of its full pool instead of %d until it is in", task, slots)

    def _settle(self, session: Session) -> None:
        """Give tasks their slots back that wait no more."""
        if not self._slots:
            return
        states = session.execute(
            select(TaskInstance.id, TaskInstance.state).where(TaskInstance.id.in_(self._slots))
        ).all()
        waiting = {task for task, state in states if state == TaskInstanceState.SCHEDULED}
        for task, _ in states:
            if task not in waiting:
                session.execute(
                    update(TaskInstance)
                    .where(TaskInstance.id == task, TaskInstance.pool_slots == 1)
                    .values(pool_slots=self._slots[task])
                )
        self._slots = {task: slots for task, slots in self._slots.items() if task in waiting}
