"""Compute targets: what a workspace knows of the places where steps run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import delete, select

from airflow_ml.exceptions import ComputeTargetException
from airflow_ml.graph.model import Json
from airflow_ml.registry.database import Repository
from airflow_ml.registry.records import ComputeTargetRecord
from airflow_ml.registry.tables import ComputeTarget
from airflow_ml.registry.values import check_name, utc_now

__all__ = ["ComputeTargets"]


class ComputeTargets(Repository):
    """The compute targets of a workspace."""

    def put(self, name: str, *, type: str, settings: Mapping[str, Json]) -> ComputeTargetRecord:  # noqa: A002 - the record's word
        """Record a compute target, or replace what is known of the one of that name."""
        now = utc_now()
        row = {
            "workspace_id": self._workspace_id,
            "name": check_name("compute target", name),
            "type": type,
            "settings": dict(settings),
            "created_at": now,
            "modified_at": now,
        }
        statement = self._database.insert(ComputeTarget).values(row)
        replaced = {column: statement.excluded[column] for column in ("type", "settings", "modified_at")}
        with self._database.write() as session:
            session.execute(statement.on_conflict_do_update(index_elements=["workspace_id", "name"], set_=replaced))
        return self.get(name)

    def find(self, name: str) -> ComputeTargetRecord | None:
        """Return the compute target of that name, or None."""
        with self._database.read() as session:
            row = session.get(ComputeTarget, (self._workspace_id, name))
            return _record(row) if row else None

    def get(self, name: str) -> ComputeTargetRecord:
        """
        Return the compute target of that name.

        Raises:
            ComputeTargetException: there is none; the text has v1's word ComputeTargetNotFound.
        """
        record = self.find(name)
        if record is None:
            raise ComputeTargetException(
                f"ComputeTargetNotFound: workspace {self._scope.workspace_name!r} has no compute target {name!r}; "
                "create it with ComputeTarget.create"
            )
        return record

    def list(self) -> Sequence[ComputeTargetRecord]:
        """Return the compute targets by name."""
        own = ComputeTarget.workspace_id == self._workspace_id
        with self._database.read() as session:
            return [
                _record(row) for row in session.scalars(select(ComputeTarget).where(own).order_by(ComputeTarget.name))
            ]

    def remove(self, name: str) -> bool:
        """Forget a compute target and return whether it was there."""
        own = (ComputeTarget.workspace_id == self._workspace_id, ComputeTarget.name == name)
        with self._database.write() as session:
            return bool(session.scalars(delete(ComputeTarget).where(*own).returning(ComputeTarget.name)).all())


def _record(row: ComputeTarget) -> ComputeTargetRecord:
    return ComputeTargetRecord(row.name, row.type, row.settings, row.created_at, row.modified_at)
