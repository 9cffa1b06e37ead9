"""
What a task says of the compute target that it runs on, and how many slots the target's pool has.

Operators carry the description in a template field, which is the part of them that Airflow keeps in the serialized
DAG, so that the API server can read it without running the DAG's file.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ml.compute import vm_sizes
from airflow_ml.exceptions import AzureMLException, ComputeTargetException
from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import open_registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml.graph import Json

__all__ = ["FIELD", "PoolDescription", "slots_of"]

logger = logging.getLogger(__name__)

#: The operators' template field.
FIELD = "compute_pool"


@dataclass(frozen=True)
class PoolDescription:
    """
    A compute target as a task names it.

    Attributes:
        target: its name, which is the pool's too.
        slots: as the DAG file declares it; None where the file only names the target.
    """

    target: str
    workspace: WorkspaceRef
    slots: int | None = None

    @classmethod
    def from_data(cls, data: object) -> PoolDescription | None:
        """
        Return the description that an operator carries, or None if this is none.

        The form is `{"target": name, "slots": number or null, "workspace": {"name": name, "registry_url": url or null}}`.
        """
        if not isinstance(data, dict):
            return None
        workspace = data.get("workspace")
        name = workspace.get("name") if isinstance(workspace, dict) else None
        target, slots = data.get("target"), data.get("slots")
        if not isinstance(target, str) or not isinstance(name, str):
            return None
        url = workspace.get("registry_url")
        is_number = isinstance(slots, int) and slots > 0
        return cls(target, WorkspaceRef(name, registry_url=url), slots if is_number else None)

    def pool_text(self, slots: int) -> str:
        """
        Return what the pool's own description says.

        It names the slots too: a pool whose slots are others was changed by somebody, and belongs to them.
        """
        return f"airflow-ml: compute target {self.target!r} of workspace {self.workspace.name!r}, {slots} slots"


def slots_of(description: PoolDescription, at_least: int) -> int:
    """
    Return how many slots the target's pool has.

    The workspace's registry knows best, as declarations of a DAG file never change a target that exists. A target that
    nobody knows gets as many as the task needs: it starts, and says in its log what is wrong.

    Raises:
        AzureMLException: the registry cannot be read, and the DAG file does not say.
    """
    try:
        with open_registry(description.workspace, create=False) as registry:
            record = registry.compute_targets.find(description.target)
    except AzureMLException as error:
        if description.slots is None:
            raise
        logger.debug("pool %r: made as its DAG file declares it, because: %s", description.target, error)
        return description.slots
    if record is not None:
        return _slots(record.settings, where=f"compute target {record.name!r}")
    return description.slots or at_least


def _slots(settings: Mapping[str, Json], *, where: str) -> int:
    """Return one slot for each GPU of all nodes; one for each node of sizes without."""
    nodes = settings.get("max_nodes", 1)
    if not isinstance(nodes, int) or nodes < 1:
        raise ComputeTargetException(f"{where}: max_nodes is {nodes!r}, expected a number of at least 1")
    size = settings.get("vm_size")
    gpus = vm_sizes.find(size).gpu_devices if isinstance(size, str) and size else 0
    return nodes * max(1, gpus)
