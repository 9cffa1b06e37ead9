"""The nodes of a target that work now: what the workspace's runs say, whatever engine runs them."""

from __future__ import annotations

from airflow_ml._late import late

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ml.core import _run_filters
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph.model import Json
    from airflow_ml.registry import RunRecord
else:
    _run_filters = late("airflow_ml.core._run_filters")

__all__ = ["working_nodes"]

#: Statuses of runs that have a slot of their target, and v1's word for the state of their nodes.
_STATES = {"Preparing": "preparing", "Running": "running"}


def working_nodes(workspace: Workspace, target: str) -> list[dict[str, Json]]:
    """Return the nodes on which runs are prepared or run, in v1's form; those of a distributed step one by one."""
    return [
        {
            "nodeId": run.id if number == 0 else f"{run.id}-node-{number}",
            "nodeState": state,
            "runId": run.id,
            "privateIpAddress": address,
            "publicIpAddress": None,
            "port": None,
        }
        for status, state in _STATES.items()
        for run in _run_filters.list_pages(workspace.registry(), status=status, include_children=True)
        if run.target == target and run.kind != "pipeline"
        for number, address in _nodes_of(workspace, run)
    ]


def _nodes_of(workspace: Workspace, run: RunRecord) -> Iterator[tuple[int, str | None]]:
    met = workspace.registry().meetings.nodes(run.id)
    if not met:
        yield 0, None
    for node in met:
        yield node.node, node.address
