"""Datastores: named places for bytes, one of them the workspace's default."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.exceptions import UserErrorException
from airflow_ml.registry.database import Repository, Scope, rows_of
from airflow_ml.registry.records import DatastoreRecord
from airflow_ml.registry.values import check_name, utc_now

if TYPE_CHECKING:
    import sqlalchemy
    from sqlalchemy.orm import Session

    from airflow_ml.graph.model import Json
    from airflow_ml.registry import tables
    from airflow_ml.registry.plain_reads import PlainSession
else:
    sqlalchemy = late("sqlalchemy")
    tables = late("airflow_ml.registry.tables")

__all__ = ["Datastores", "add_first_datastores"]

_DEFAULT = "workspaceblobstore"

#: What a fresh workspace of v1 has.
_FIRST = (_DEFAULT, "workspacefilestore", "workspaceartifactstore", "workspaceworkingdirectory")


class Datastores(Repository):
    """The datastores of a workspace."""

    def put(
        self,
        name: str,
        *,
        type: str,  # noqa: A002 - the record's word
        settings: Mapping[str, Json],
        secret: bytes | None = None,
        overwrite: bool = True,
    ) -> DatastoreRecord:
        """
        Register a datastore, or replace the one of that name.

        Args:
            name: of the datastore.
            type: v1's word for its kind, such as AzureBlob, or Local.
            settings: what a driver needs, no secrets.
            secret: encrypted by the caller.
            overwrite: whether one of that name may be replaced.

        Raises:
            UserErrorException: the name is taken and `overwrite` is not set.
        """
        check_name("datastore", name)
        with self._database.write() as session:
            self._scope.lock(session)
            row = session.get(tables.Datastore, (self._workspace_id, name))
            if row is not None and not overwrite:
                raise UserErrorException(
                    f"workspace {self._scope.workspace_name!r}: datastore {name!r} is registered; pass overwrite=True "
                    "to replace it, or choose another name"
                )
            if row is None:
                row = tables.Datastore(workspace_id=self._workspace_id, name=name, created_at=utc_now())
                session.add(row)
            row.type, row.settings, row.secret = type, dict(settings), secret
            session.flush()
            return self._record(session, row)

    def find(self, name: str) -> DatastoreRecord | None:
        """Return the datastore of that name, or None."""
        with self._database.look_up() as session:
            found = rows_of(session, "datastore", workspace=self._workspace_id, name=name)
            return self._record(session, found[0]) if found else None

    def get(self, name: str) -> DatastoreRecord:
        """
        Return the datastore of that name.

        Raises:
            UserErrorException: there is none.
        """
        record = self.find(name)
        if record is None:
            raise self._missing(name)
        return record

    def list(self) -> Sequence[DatastoreRecord]:
        """Return the datastores by name."""
        table = tables.Datastore
        query = sqlalchemy.select(table).where(table.workspace_id == self._workspace_id).order_by(table.name)
        with self._database.read() as session:
            return [self._record(session, row) for row in session.scalars(query)]

    def default(self) -> DatastoreRecord:
        """Return the workspace's default datastore."""
        with self._database.look_up() as session:
            name = self._default(session)
        return self.get(name or _DEFAULT)

    def set_default(self, name: str) -> None:
        """
        Make a datastore the default one.

        Raises:
            UserErrorException: there is none of that name.
        """
        with self._database.write() as session:
            workspace = self._scope.lock(session)
            if session.get(tables.Datastore, (self._workspace_id, name)) is None:
                raise self._missing(name)
            workspace.default_datastore = name

    def remove(self, name: str) -> None:
        """
        Forget a datastore; its bytes stay where they are.

        Raises:
            UserErrorException: there is none of that name, or it is the default.
        """
        with self._database.write() as session:
            workspace = self._scope.lock(session)
            row = session.get(tables.Datastore, (self._workspace_id, name))
            if row is None:
                raise self._missing(name)
            if workspace.default_datastore == name:
                raise UserErrorException(
                    f"workspace {self._scope.workspace_name!r}: datastore {name!r} is the default; make another one "
                    "the default before you remove it"
                )
            session.delete(row)

    def _default(self, session: Session | PlainSession) -> str | None:
        (row,) = rows_of(session, "workspace", workspace=self._workspace_id)
        name: str | None = row.default_datastore
        return name

    def _record(self, session: Session | PlainSession, row: Any) -> DatastoreRecord:
        default = self._default(session)
        return DatastoreRecord(
            name=row.name,
            type=row.type,
            settings=row.settings,
            created_at=row.created_at,
            is_default=row.name == default,
            secret=row.secret,
        )

    def _missing(self, name: str) -> UserErrorException:
        return UserErrorException(
            f"workspace {self._scope.workspace_name!r}: datastore {name!r} is not registered; register it, or choose "
            "one of the workspace's datastores"
        )


def add_first_datastores(session: Session, scope: Scope) -> None:
    """Give a fresh workspace the datastores of v1, as folders of its home on whichever machine opens it."""
    rows = [
        {
            "workspace_id": scope.workspace_id,
            "name": name,
            "type": "Local",
            "settings": {"kind": "local", "root": None},
            "created_at": utc_now(),
        }
        for name in _FIRST
    ]
    session.execute(scope.database.insert(tables.Datastore).on_conflict_do_nothing(), rows)
    session.get_one(tables.Workspace, scope.workspace_id).default_datastore = _DEFAULT
