"""Opening a workspace's registry."""

from __future__ import annotations

import uuid
from pathlib import Path

from sqlalchemy import URL, select

from airflow_ml.exceptions import WorkspaceException
from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry.database import Database, Scope, database_errors
from airflow_ml.registry.datastores import add_first_datastores
from airflow_ml.registry.engine import make_engine, registry_url
from airflow_ml.registry.errors import WorkspaceNotFoundError
from airflow_ml.registry.home import Home
from airflow_ml.registry.records import WorkspaceRecord
from airflow_ml.registry.registry import Registry
from airflow_ml.registry.schema import ensure_schema, is_current
from airflow_ml.registry.tables import Workspace
from airflow_ml.registry.values import check_name, utc_now

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
    url = registry_url(ref.registry_url, workspace_home.registry_path)
    if url.get_backend_name() == "sqlite":
        _prepare_file(ref, url, create=create)
    engine = make_engine(url)
    try:
        with database_errors(engine):
            if not is_current(engine):
                ensure_schema(engine, create=create)
        database = Database(engine)
        row = _find(database, ref) or _create(database, ref, create=create)
    except BaseException:  # an interrupt too: connections must not stay open
        engine.dispose()
        raise
    record = WorkspaceRecord(row.id, row.name, row.subscription_id, row.resource_group, row.created_at)
    return Registry(Scope(database, row.key, row.name), record, workspace_home)


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


def _find(database: Database, ref: WorkspaceRef) -> Workspace | None:
    with database.read() as session:
        return session.scalars(select(Workspace).where(Workspace.name == ref.name)).one_or_none()


def _create(database: Database, ref: WorkspaceRef, *, create: bool) -> Workspace:
    if not create:
        raise WorkspaceNotFoundError(
            f"workspace {ref.name!r} is not in registry {database.engine.url.render_as_string()!r}; create it first"
        )
    values = {
        "id": str(uuid.uuid4()),
        "name": check_name("workspace", ref.name),
        "subscription_id": ref.subscription_id,
        "resource_group": ref.resource_group,
        "created_at": utc_now(),
    }
    with database.write() as session:
        statement = database.insert(Workspace).values(values).on_conflict_do_nothing().returning(Workspace.key)
        key = session.scalars(statement).one_or_none()
        row = session.scalars(select(Workspace).where(Workspace.name == ref.name)).one()
        if key is not None:
            add_first_datastores(session, Scope(database, row.key, row.name))
        return row
