"""Compute targets: what a workspace knows of the places where steps run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.exceptions import ComputeTargetException
from airflow_ml.registry.database import Repository, rows_of
from airflow_ml.registry.records import ComputeTargetRecord
from airflow_ml.registry.values import check_name, utc_now

if TYPE_CHECKING:
    import sqlalchemy

    from airflow_ml.graph.model import Json
    from airflow_ml.registry import tables
else:
    sqlalchemy = late("sqlalchemy")
    tables = late("airflow_ml.registry.tables")

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
        statement = self._database.insert(tables.ComputeTarget).values(row)
        replaced = {column: statement.excluded[column] for column in ("type", "settings", "modified_at")}
        with self._database.write() as session:
            session.execute(statement.on_conflict_do_update(index_elements=["workspace_id", "name"], set_=replaced))
        return self.get(name)

    def find(self, name: str) -> ComputeTargetRecord | None:
        """Return the compute target of that name, or None."""
        with self._database.look_up() as session:
            found = rows_of(session, "compute_target", workspace=self._workspace_id, name=name)
        return _record(found[0]) if found else None

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
        table = tables.ComputeTarget
        query = sqlalchemy.select(table).where(table.workspace_id == self._workspace_id).order_by(table.name)
        with self._database.read() as session:
            return [_record(row) for row in session.scalars(query)]

    def remove(self, name: str) -> bool:
        """Forget a compute target and return whether it was there."""
        table = tables.ComputeTarget
        own = (table.workspace_id == self._workspace_id, table.name == name)
        with self._database.write() as session:
            return bool(session.scalars(sqlalchemy.delete(table).where(*own).returning(table.name)).all())


def _record(row: Any) -> ComputeTargetRecord:
    return ComputeTargetRecord(row.name, row.type, row.settings, row.created_at, row.modified_at)
