"""
How a workspace's compute targets stand: their pools and tasks as Airflow's database has them, and devices.

Devices are those of the machine that the API server runs on, which is where most installations have theirs; those of
other workers are asked for there (`airflow-ml compute status`).
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from airflow._shared.secrets_masker import redact
from airflow.models.log import Log
from airflow.models.pool import Pool
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from airflow.utils.state import TaskInstanceState
from sqlalchemy import select

from airflow_ml.compute import device_status
from airflow_ml.compute.targets import TargetSettings
from airflow_ml.exceptions import AzureMLException
from airflow_ml.plugins.queue_watch import EVENT
from airflow_ml.registry import Home

if TYPE_CHECKING:
    from sqlalchemy import Row
    from sqlalchemy.orm import Session

    from airflow_ml.graph import Json
    from airflow_ml.plugins.access import RunAccess
    from airflow_ml.registry import ComputeTargetRecord, Registry

__all__ = ["compute_document"]

logger = logging.getLogger(__name__)

#: Of a target's tasks, which a page has room for.
_TASKS = 30

#: Queued tasks whose events are read.
_ASKED = 5

#: In the order in which they are shown: who works, then who waits.
_STATES = (
    TaskInstanceState.RUNNING,
    TaskInstanceState.DEFERRED,
    TaskInstanceState.QUEUED,
    TaskInstanceState.SCHEDULED,
)


def compute_document(registry: Registry, access: RunAccess) -> dict[str, Json]:
    """
    Return the targets with their pools and tasks, and the devices of this machine.

    Args:
        access: whose tasks may be named; those of others are counted alone.
    """
    targets = registry.compute_targets.list()
    names = [target.name for target in targets]
    with create_session(scoped=False) as session:
        pools = cast("Mapping[str, Mapping[str, float]]", Pool.slots_stats(session=session))
        tasks = {name: _tasks(session, name) for name in names if name in pools}
        warnings = {name: _warning(session, waiting) for name, waiting in tasks.items()}
    return {
        "targets": [
            {
                **_target(target, pools.get(target.name), tasks.get(target.name, ()), access),
                "warning": warnings.get(target.name),
            }
            for target in targets
        ],
        "machine": _machine(),
    }


def _tasks(session: Session, pool: str) -> Sequence[Row[Any]]:
    query = (
        select(
            TaskInstance.dag_id,
            TaskInstance.run_id,
            TaskInstance.task_id,
            TaskInstance.map_index,
            TaskInstance.try_number,
            TaskInstance.state,
            TaskInstance.pool_slots,
            TaskInstance.start_date,
            TaskInstance.queued_dttm,
            TaskInstance.scheduled_dttm,
        )
        .where(TaskInstance.pool == pool, TaskInstance.state.in_(_STATES))
        .order_by(TaskInstance.scheduled_dttm)
        .limit(_TASKS + 1)
    )
    return cast("Sequence[Row[Any]]", session.execute(query).all())


def _warning(session: Session, tasks: Sequence[Row[Any]]) -> str | None:
    """Return what was said of a queue that nobody serves; all its tasks wait for the same."""
    for task in [task for task in tasks if task.state == TaskInstanceState.QUEUED][:_ASKED]:
        key = (Log.dag_id == task.dag_id, Log.run_id == task.run_id, Log.task_id == task.task_id)
        place = (Log.map_index == task.map_index, Log.try_number == task.try_number, Log.event == EVENT)
        said = session.scalars(select(Log.extra).where(*key, *place).limit(1)).first()
        if said is not None:
            return said
    return None


def _target(
    record: ComputeTargetRecord, pool: Mapping[str, float] | None, tasks: Sequence[Row[Any]], access: RunAccess
) -> dict[str, Json]:
    seen = [task for task in tasks[:_TASKS] if access.may_see_dag(task.dag_id)]
    order = {state: place for place, state in enumerate(_STATES)}
    return {
        "name": record.name,
        "type": record.type,
        "settings": cast("Json", redact(dict(record.settings))),
        **_wanted(record),
        "pool": None if pool is None else {name: _count(number) for name, number in pool.items()},
        "tasks": [_task(task) for task in sorted(seen, key=lambda task: order[task.state])],
        "hidden": len(tasks[:_TASKS]) - len(seen),
        "has_more": len(tasks) > _TASKS,
    }


def _wanted(record: ComputeTargetRecord) -> dict[str, Json]:
    """Return what the settings come to; settings that cannot be read say why."""
    try:
        settings = TargetSettings.read(record.name, record.type, record.settings)
    except AzureMLException as error:
        return {"slots": None, "launcher": None, "problem": str(error)}
    return {"slots": settings.slots, "launcher": settings.launcher, "problem": None}


def _task(task: Row[Any]) -> dict[str, Json]:
    since = {
        TaskInstanceState.QUEUED: task.queued_dttm,
        TaskInstanceState.SCHEDULED: task.scheduled_dttm,
    }.get(task.state, task.start_date)
    return {
        "dag_id": task.dag_id,
        "run_id": task.run_id,
        "task_id": task.task_id,
        "map_index": task.map_index,
        "state": str(task.state),
        "slots": task.pool_slots,
        "since": None if since is None else since.isoformat(timespec="milliseconds"),
    }


def _count(number: float) -> int | None:
    """Return a pool's number; None where Airflow has no limit."""
    return None if number == float("inf") else int(number)


def _machine() -> dict[str, Json]:
    machine: dict[str, Json] = {"host": socket.gethostname()}
    try:
        return {**machine, **device_status.look(Home.default()).to_data()}
    except AzureMLException as error:
        logger.info("the devices of this machine cannot be looked at: %s", error)
        return {**machine, "devices": [], "waiting": [], "problem": "its devices cannot be looked at"}
