"""Snapshots: which captured source directories the workspace has."""

from __future__ import annotations

from sqlalchemy import func

from airflow_ml.exceptions import SnapshotException
from airflow_ml.registry.database import Repository
from airflow_ml.registry.records import SnapshotRecord
from airflow_ml.registry.tables import Snapshot
from airflow_ml.registry.values import check_name, utc_now

__all__ = ["Snapshots"]


class Snapshots(Repository):
    """The snapshots of a workspace."""

    def record(self, snapshot_id: str, *, files: int, size: int, source_digest: str | None = None) -> None:
        """
        Record a snapshot whose content is stored; one that is recorded is as young as a new one from then on.

        Args:
            source_digest: what fingerprints take of it; filled in where an older version recorded none.
        """
        row = {
            "workspace_id": self._workspace_id,
            "id": check_name("snapshot", snapshot_id),
            "files": files,
            "size": size,
            "created_at": utc_now(),
            "source_digest": source_digest,
        }
        statement = self._database.insert(Snapshot).values(row)
        with self._database.write() as session:
            session.execute(
                statement.on_conflict_do_update(
                    index_elements=["workspace_id", "id"],
                    set_={
                        "created_at": statement.excluded.created_at,
                        "source_digest": func.coalesce(Snapshot.source_digest, statement.excluded.source_digest),
                    },
                )
            )

    def exists(self, snapshot_id: str) -> bool:
        """Return whether the snapshot is recorded."""
        with self._database.read() as session:
            return session.get(Snapshot, (self._workspace_id, snapshot_id)) is not None

    def get(self, snapshot_id: str) -> SnapshotRecord:
        """
        Return a snapshot.

        Raises:
            SnapshotException: it is not recorded.
        """
        with self._database.read() as session:
            row = session.get(Snapshot, (self._workspace_id, snapshot_id))
        if row is None:
            raise SnapshotException(
                f"workspace {self._scope.workspace_name!r}: snapshot {snapshot_id!r} is not recorded; take it again"
            )
        return SnapshotRecord(row.id, row.files, row.size, row.created_at, row.source_digest)
