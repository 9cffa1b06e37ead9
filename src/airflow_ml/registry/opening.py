"""Opening a workspace's registry."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.exceptions import ServiceException, WorkspaceException
from airflow_ml.registry.database import Database, Scope, database_errors, rows_of
from airflow_ml.registry.errors import WorkspaceNotFoundError
from airflow_ml.registry.home import Home
from airflow_ml.registry.records import WorkspaceRecord
from airflow_ml.registry.registry import Registry
from airflow_ml.registry.schema import HEAD, ensure_schema, is_current
from airflow_ml.registry.values import check_name, utc_now

if TYPE_CHECKING:
    from sqlalchemy import URL

    from airflow_ml.graph.model import WorkspaceRef
    from airflow_ml.registry import datastores, tables
    from airflow_ml.registry import engine as engines
else:
    datastores = late("airflow_ml.registry.datastores")
    engines = late("airflow_ml.registry.engine")
    tables = late("airflow_ml.registry.tables")

__all__ = ["open_registry"]


def open_registry(ref: WorkspaceRef, *, home: Home | None = None, create: bool = True) -> Registry:
    """
    Open the registry of a workspace, and bring its database to the newest version.

    The database is the one that `ref.registry_url` names, else the one that `AIRFLOW_ML_REGISTRY` names, else an
    SQLite file in the workspace's home. Any number of processes may open the same new workspace at once.

    Args:
        ref: the workspace; its name alone tells workspaces of one database apart.
        home: `Home.default()` unless given.
        create: make the workspace if it is not there.

    Raises:
        WorkspaceException: the workspace is not there and may not be made, or its database cannot be used.
        ServiceException: the database does not answer.
    """
    workspace_home = (home or Home.default()).workspace(ref.name)
    file = None if ref.registry_url or os.environ.get("AIRFLOW_ML_REGISTRY") else workspace_home.registry_path
    database = None if file is None else _ready_file(file)
    if database is None:
        url = engines.registry_url(ref.registry_url, workspace_home.registry_path)
        database = _ready_database(ref, url, file, create=create)
    try:
        row = _find(database, ref) or _create(database, ref, create=create)
    except BaseException:  # an interrupt too: connections must not stay open
        database.close()
        raise
    record = WorkspaceRecord(row.id, row.name, row.subscription_id, row.resource_group, row.created_at)
    return Registry(Scope(database, row.key, row.name), record, workspace_home)


def _ready_file(file: Path) -> Database | None:
    """Return the database in a file that has the newest tables; None if it must be looked at more closely."""
    database = Database(file)
    try:
        with database.look_up() as session:
            found = rows_of(session, "schema_version")
    except ServiceException:
        found = []
    if [row.version_num for row in found] == [HEAD]:
        return database
    database.close()
    return None


def _ready_database(ref: WorkspaceRef, url: URL, file: Path | None, *, create: bool) -> Database:
    """Return the database of that URL, which is that of the file, with the newest tables."""
    if url.get_backend_name() == "sqlite":
        _prepare_file(ref, url, create=create)
    engine = engines.make_engine(url)
    try:
        with database_errors(engine):
            if not is_current(engine):
                ensure_schema(engine, create=create)
    except BaseException:
        engine.dispose()
        raise
    if file is None:
        return Database(engine)
    engine.dispose()
    return Database(file)


def _prepare_file(ref: WorkspaceRef, url: URL, *, create: bool) -> None:
    path = Path(url.database or "")
    if path.exists():
        return
    if not create:
        raise WorkspaceNotFoundError(
            f"workspace {ref.name!r}: no registry at {str(path)!r}; create the workspace first"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise WorkspaceException(
            f"workspace {ref.name!r}: folder {str(path.parent)!r} cannot be made ({exc.strerror}); set "
            "AIRFLOW_ML_HOME to a folder that can be written"
        ) from exc


def _find(database: Database, ref: WorkspaceRef) -> Any:
    with database.look_up() as session:
        return next(iter(rows_of(session, "workspace_named", name=ref.name)), None)


def _create(database: Database, ref: WorkspaceRef, *, create: bool) -> Any:
    if not create:
        raise WorkspaceNotFoundError(f"workspace {ref.name!r} is not in registry {database.shown!r}; create it first")
    values = {
        "id": str(uuid.uuid4()),
        "name": check_name("workspace", ref.name),
        "subscription_id": ref.subscription_id,
        "resource_group": ref.resource_group,
        "created_at": utc_now(),
    }
    with database.write() as session:
        table = tables.Workspace
        statement = database.insert(table).values(values).on_conflict_do_nothing().returning(table.key)
        key = session.scalars(statement).one_or_none()
        row = rows_of(session, "workspace_named", name=ref.name)[0]
        if key is not None:
            datastores.add_first_datastores(session, Scope(database, row.key, row.name))
        return row
