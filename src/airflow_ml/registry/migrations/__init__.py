"""Alembic migrations of the registry; imported only when a database is not at the newest version."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from airflow_ml.exceptions import WorkspaceException

__all__ = ["make_config", "upgrade"]


def make_config(connection: Connection | None = None) -> Config:
    """
    Return Alembic's configuration of this folder.

    Args:
        connection: the database, with the transaction that the migration belongs to.
    """
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config


def upgrade(connection: Connection, version: str | None) -> None:
    """
    Bring the database from that version to the newest, in the connection's transaction.

    Raises:
        WorkspaceException: the version is not known here.
    """
    config = make_config(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        raise WorkspaceException(
            f"registry {connection.engine.url.render_as_string()!r} has schema version {version!r}, this airflow-ml "
            f"knows up to {max(known)!r}; upgrade airflow-ml on this machine"
        )
    command.upgrade(config, "head")
