"""
Addresses of Airflow services that workspaces' configuration files name.

A reference to a workspace travels in graphs, which shall not say where somebody submitted them; so what a file says of
the service is kept here, for the process that has read it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.graph.model import WorkspaceRef

__all__ = ["last_noted", "note_address", "noted_address"]

_addresses: dict[WorkspaceRef, str] = {}


def note_address(workspace: WorkspaceRef, url: str | None) -> None:
    """Keep the address of the service that runs the workspace's pipelines; None forgets it."""
    _addresses.pop(workspace, None)
    if url is not None:
        _addresses[workspace] = url


def noted_address(workspace: WorkspaceRef) -> str | None:
    """Return the address that was kept last."""
    return _addresses.get(workspace)


def last_noted() -> WorkspaceRef | None:
    """Return the workspace whose address was kept last."""
    return next(reversed(_addresses), None)
