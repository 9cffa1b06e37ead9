"""
What data objects need of a workspace.

`airflow_ml.core` stands above this package, so its `Workspace` is known here by what it offers.
"""

from __future__ import annotations

from airflow_ml.data._caller import is_parsing_dag
from airflow_ml.exceptions import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from airflow_ml.graph.model import WorkspaceRef
    from airflow_ml.registry import Registry
else:
    from airflow_ml._typing import Protocol

__all__ = ["WorkspaceLike", "refuse_while_parsing", "require_workspace"]


class WorkspaceLike(Protocol):
    """A workspace, as data objects see it."""

    @property
    def name(self) -> str:
        """The workspace's name."""

    @property
    def ref(self) -> WorkspaceRef:
        """What another process needs to open the same workspace."""

    def registry(self) -> Registry:
        """Return the opened registry; raises UserErrorException while Airflow parses a DAG file."""


def require_workspace(workspace: WorkspaceLike | None, *, where: str) -> WorkspaceLike:
    """Return the workspace, or raise UserErrorException that says which object has none."""
    if workspace is None:
        raise UserErrorException(
            f"{where}: belongs to no workspace; define it from a datastore of a workspace, or register it first"
        )
    return workspace


def refuse_while_parsing(what: str, instead: str) -> None:
    """
    Raise UserErrorException if a DAG file is being parsed.

    Args:
        what: the act that would need the database or the data, for the error.
        instead: the way out.
    """
    if is_parsing_dag():
        raise UserErrorException(f"{what} while Airflow parses the DAG file would touch the workspace; {instead}")
