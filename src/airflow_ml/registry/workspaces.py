"""What is said of the workspace itself."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_ml.graph.model import Json
from airflow_ml.registry.database import Repository, rows_of

__all__ = ["WorkspaceDetails"]


class WorkspaceDetails(Repository):
    """Description, tags and the like: things that may change, unlike the workspace's name and id."""

    def get(self) -> Mapping[str, Json]:
        """Return everything that was said."""
        with self._database.look_up() as session:
            (row,) = rows_of(session, "workspace", workspace=self._workspace_id)
        return dict(row.details or {})

    def put(self, changes: Mapping[str, Json]) -> None:
        """Replace the named details; the others stay."""
        with self._database.write() as session:
            row = self._scope.lock(session)
            row.details = {**(row.details or {}), **changes}
