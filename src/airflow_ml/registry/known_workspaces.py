"""Which workspaces there are: those in this machine's home folder, or in the database that all share."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import inspect, select

from airflow_ml.registry import engine as engines
from airflow_ml.registry.database import Database
from airflow_ml.registry.home import Home
from airflow_ml.registry.tables import Workspace

__all__ = ["known_workspaces"]


def known_workspaces(home: Home | None = None) -> list[str]:
    """
    Return the names of the workspaces that `open_registry` finds by name alone.

    Raises:
        ServiceException: the shared database does not answer.
        WorkspaceException: the setting of it is no URL.
    """
    if os.environ.get("AIRFLOW_ML_REGISTRY"):
        return _in_shared_database()
    root = (home or Home.default()).root
    if not root.is_dir():
        return []
    return sorted(folder.name for folder in root.iterdir() if (folder / "registry.db").is_file())


def _in_shared_database() -> list[str]:
    engine = engines.make_engine(engines.registry_url(None, Path()))
    database = Database(engine)
    try:
        with database.read() as session:
            if not inspect(session.connection()).has_table(Workspace.__tablename__):
                return []
            return [*session.scalars(select(Workspace.name).order_by(Workspace.name))]
    finally:
        database.close()
