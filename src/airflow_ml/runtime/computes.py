"""Compute targets inside a step: what there is, to be read alone."""

from __future__ import annotations

from airflow_ml.runtime import context as contexts
from airflow_ml.runtime.unavailable import WorkspaceSide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from airflow_ml.runtime.messages import ComputeRecord
    from airflow_ml.runtime.workspace import Workspace

__all__ = ["ComputeTarget"]


class ComputeTarget(WorkspaceSide):
    """A compute target of the workspace, as `ws.compute_targets` gives it."""

    _elsewhere = ("delete", "detach", "get_active_runs", "list_nodes", "refresh_state", "update", "wait_for_completion")

    def __init__(self, workspace: Workspace, record: ComputeRecord) -> None:
        self.workspace = workspace
        self.name = record["name"]
        self.type = record["type"]
        self.vm_size = record["vm_size"]
        self.provisioning_state = "Succeeded"

    def __repr__(self) -> str:
        return f"{self.type}(name={self.name!r})"

    @staticmethod
    def _all(workspace: Workspace) -> dict[str, ComputeTarget]:
        """Return the workspace's compute targets by name."""
        records: list[ComputeRecord] = contexts.required("Workspace.compute_targets").request("compute.list")
        return {record["name"]: ComputeTarget(workspace, record) for record in records}

    def serialize(self) -> dict[str, Any]:
        """Return what is known of it."""
        return {"name": self.name, "computeType": self.type, "provisioningState": self.provisioning_state}
