"""
What a DAG file that only names its compute target could not say of its tasks, said in the scheduler.

Airflow calls `task_instance_mutation_hook` of `airflow_local_settings.py` for every task instance that it makes. The
service's settings have this one; other deployments import it into theirs (docs/compute.md). Without it a step whose
target is only named takes one slot for each of its nodes: pools then admit too many, and devices are still leased.
"""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late

if TYPE_CHECKING:
    from airflow_ml import registry
    from airflow_ml.compute import targets
    from airflow_ml.compute.targets import TargetSettings
    from airflow_ml.graph import model
else:
    model = late("airflow_ml.graph.model")
    registry = late("airflow_ml.registry")
    targets = late("airflow_ml.compute.targets")

__all__ = ["task_instance_mutation_hook"]

logger = logging.getLogger(__name__)

#: Seconds for which what the registry says of a target is taken as it was, or that it does not answer.
_REMEMBER_SECONDS = 15.0

_known: dict[tuple[str, str | None, str], tuple[float, TargetSettings | None]] = {}


def task_instance_mutation_hook(task_instance: Any) -> None:
    """
    Give a step's task the slots and the executor of its compute target; every other task stays as it is.

    It runs in the scheduler, so nothing in here may fail: a registry that does not answer leaves the task as the DAG
    file made it.
    """
    try:
        described = _described(getattr(task_instance, "task", None))
        if described is not None:
            _place(task_instance, described)
    except Exception as error:  # noqa: BLE001 - the scheduler would stop
        logger.warning("the compute target of task %r is not looked up: %s", task_instance.task_id, error)


def _described(task: Any) -> dict[str, Any] | None:
    """Return what the operator says of its target (`airflow_ml.translation.pools`); None for other tasks."""
    text = getattr(task, "compute_pool", None) or getattr(task, "partial_kwargs", {}).get("compute_pool")
    if not isinstance(text, str):
        return None
    described: dict[str, Any] = json.loads(text)
    return described


def _place(task_instance: Any, described: dict[str, Any]) -> None:
    if task_instance.pool != described["target"]:  # the team has put it elsewhere
        return
    target = _find(described)
    if target is None:
        return
    gpus = described.get("gpus")
    task_instance.pool_slots = described.get("nodes", 1) * (target.slots_per_node if gpus is None else max(1, gpus))
    if target.executor is not None and task_instance.executor is None:
        task_instance.executor = target.executor


def _find(described: dict[str, Any]) -> TargetSettings | None:
    workspace = described["workspace"]
    key = (workspace["name"], workspace.get("registry_url"), described["target"])
    until, found = _known.get(key, (0.0, None))
    if time.monotonic() >= until:
        # Noted before it is asked: one that does not answer keeps the scheduler waiting once, not for every task.
        _known[key] = (time.monotonic() + _REMEMBER_SECONDS, None)
        found = _read(*key)
        _known[key] = (time.monotonic() + _REMEMBER_SECONDS, found)
    return found


def _read(workspace: str, url: str | None, name: str) -> TargetSettings | None:
    ref = model.WorkspaceRef(workspace, registry_url=url)
    with registry.open_registry(ref, create=False) as opened:
        record = opened.compute_targets.find(name)
    return None if record is None else targets.TargetSettings.read(record.name, record.type, record.settings)
