"""The end of a workspace whose registry is a file of this machine."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.registry.engine import registry_url
from airflow_ml.registry.home import Home
from airflow_ml.registry.records import FINAL_STATUSES, RUN_STATUSES
from airflow_ml.registry.shared import close_shared, open_shared

if TYPE_CHECKING:
    from airflow_ml.graph.model import WorkspaceRef

__all__ = ["delete_workspace"]


def delete_workspace(ref: WorkspaceRef, *, files: bool) -> None:
    """
    Remove a workspace's registry, and its whole folder if `files` says so.

    Raises:
        UserErrorException: a run has not ended.
        NotSupportedError: the registry is a database that others may share.
        WorkspaceException: there is no such workspace.
    """
    home = Home.default().workspace(ref.name)
    url = registry_url(ref.registry_url, home.registry_path)
    if url.get_backend_name() != "sqlite" or Path(url.database or "") != home.registry_path:
        raise NotSupportedError(
            f"workspace {ref.name!r}: its registry {url.render_as_string()!r} may hold others too, so it is not "
            "deleted; drop the database, or delete the workspace's rows in it, with the database's own tools"
        )
    registry = open_shared(ref, create=False)
    for status in RUN_STATUSES:
        if status not in FINAL_STATUSES and registry.runs.list(status=status, include_children=True, limit=1):
            raise UserErrorException(
                f"workspace {ref.name!r}: a run is {status}; cancel it or wait for its end before deleting the "
                "workspace"
            )
    close_shared(ref)
    for left in home.root.glob(f"{home.registry_path.name}*"):
        left.unlink(missing_ok=True)
    if files:
        shutil.rmtree(home.root)
