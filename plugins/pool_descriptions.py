"""
What a task says of the compute target that it runs on, and how many slots the target's pool has.

Operators carry the description in a field that Airflow keeps in the serialized DAG (`airflow_ml.translation.pools`), so
that the API server can read it without running the DAG's file.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass

from airflow_ml.compute.targets import TargetSettings
from airflow_ml.exceptions import AzureMLException
from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import open_registry
from airflow_ml.translation.pools import POOL_MARK, pool_text

__all__ = ["FIELD", "POOL_MARK", "PoolDescription", "find_slots", "find_task_slots"]

logger = logging.getLogger(__name__)

#: The operators' field.
FIELD = "compute_pool"


@dataclass(frozen=True)
class PoolDescription:
    """
    A compute target as a task names it.

    Attributes:
        target: its name, which is the pool's too.
        slots: as the DAG file declares it; None where the file only names the target.
        nodes: how many the task's step runs on.
        gpus: how many it takes of each; None where it does not say.
    """

    target: str
    workspace: WorkspaceRef
    slots: int | None = None
    nodes: int = 1
    gpus: int | None = None

    @classmethod
    def from_data(cls, data: object) -> PoolDescription | None:
        """
        Return the description that an operator carries, or None if this is none.

        It is JSON text: `{"target": "gpu", "slots": 4, "workspace": {"name": "team", "registry_url": null}}`; `slots`
        and `registry_url` may be null or left out.
        """
        if isinstance(data, str):
            try:
                data = json.loads(data)
            except ValueError:
                return None
        workspace = data.get("workspace") if isinstance(data, dict) else None
        if not isinstance(data, dict) or not isinstance(workspace, dict):
            return None
        target, slots, name = data.get("target"), data.get("slots"), workspace.get("name")
        if not isinstance(target, str) or not isinstance(name, str):
            return None
        is_number = isinstance(slots, int) and slots > 0
        nodes, gpus = data.get("nodes"), data.get("gpus")
        return cls(
            target,
            WorkspaceRef(name, registry_url=workspace.get("registry_url")),
            slots if is_number else None,
            nodes if isinstance(nodes, int) else 1,
            gpus if isinstance(gpus, int) else None,
        )

    def pool_text(self, slots: int) -> str:
        """Return what the pool's own description says (`airflow_ml.translation.pools.pool_text`)."""
        return pool_text(self.target, self.workspace.name, slots)


def find_slots(description: PoolDescription, at_least: int) -> int:
    """
    Return how many slots the target's pool has.

    The workspace's registry knows best, as declarations of a DAG file never change a target that exists. A target that
    nobody knows gets as many as the task needs: it starts, and says in its log what is wrong.

    Raises:
        AzureMLException: the registry cannot be read, and the DAG file does not say.
    """
    try:
        target = _find_target(description)
    except AzureMLException as error:
        if description.slots is None:
            raise
        logger.debug("pool %r: made as its DAG file declares it, because: %s", description.target, error)
        return description.slots
    return (description.slots or at_least) if target is None else target.slots


def find_task_slots(description: PoolDescription) -> int:
    """
    Return how many slots the task takes (`airflow_ml.translation.task_mutation` says the same when it is made).

    Raises:
        AzureMLException: the registry cannot be read.
    """
    if description.gpus is not None:
        return description.nodes * max(1, description.gpus)
    target = _find_target(description)
    return description.nodes * (1 if target is None else target.slots_per_node)


def _find_target(description: PoolDescription) -> TargetSettings | None:
    with open_registry(description.workspace, create=False) as registry:
        record = registry.compute_targets.find(description.target)
    return None if record is None else TargetSettings.read(record.name, record.type, record.settings)
