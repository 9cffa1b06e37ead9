"""Bring a registry's database to the tables that this version knows."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.registry.errors import WorkspaceNotFoundError

if TYPE_CHECKING:
    import sqlalchemy
    from sqlalchemy import Connection, Engine

    from airflow_ml.registry import all_tables, migrations
    from airflow_ml.registry import engine as engines
else:
    all_tables = late("airflow_ml.registry.all_tables")
    engines = late("airflow_ml.registry.engine")
    migrations = late("airflow_ml.registry.migrations")
    sqlalchemy = late("sqlalchemy")

__all__ = ["HEAD", "VERSION_TABLE", "ensure_schema", "is_current"]

#: The newest migration. Written here too, so that opening a registry need not import Alembic to find it.
HEAD = "0010"

#: Not Alembic's default name: the database may be Airflow's own.
VERSION_TABLE = "aml_version"

_ADVISORY_LOCK = 0x616D6C72  # "amlr"


def is_current(engine: Engine) -> bool:
    """Return whether nothing has to be done; costs two short queries."""
    with engines.using(engine), engine.connect() as connection:
        return _stored_version(connection) == HEAD


def ensure_schema(engine: Engine, *, create: bool = True) -> None:
    """
    Make the tables, or migrate those of an older version; one process does it, the others wait.

    Args:
        create: whether an empty database may be filled.

    Raises:
        WorkspaceException: the database is empty and may not be filled, or a newer airflow-ml made it.
    """
    with engines.using(engine), _one_process(engine) as connection:
        version = _stored_version(connection)
        if version == HEAD:
            return
        if version is None and not create:
            raise WorkspaceNotFoundError(
                f"registry {engine.url.render_as_string()!r} is empty; create the workspace first"
            )
        if version is None and engine.dialect.name == "sqlite":
            # The usual case of a new machine: Alembic's import would be most of the time. A test holds both ways
            # to the same tables.
            _create_all(connection)
        else:
            migrations.upgrade(connection, version)


def _stored_version(connection: Connection) -> str | None:
    if not sqlalchemy.inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.execute(sqlalchemy.text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - a constant
    return version


def _create_all(connection: Connection) -> None:
    all_tables.Base.metadata.create_all(connection, checkfirst=False)
    connection.execute(
        sqlalchemy.text(
            f"CREATE TABLE {VERSION_TABLE} "
            f"(version_num VARCHAR(32) NOT NULL, CONSTRAINT {VERSION_TABLE}_pkc PRIMARY KEY (version_num))"
        )
    )
    connection.execute(sqlalchemy.text(f"INSERT INTO {VERSION_TABLE} VALUES (:head)"), {"head": HEAD})  # noqa: S608 - a constant


@contextmanager
def _one_process(engine: Engine) -> Iterator[Connection]:
    if engine.dialect.name != "sqlite":
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
            yield connection
        return
    with Path(f"{engine.url.database}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with engine.connect() as connection:
            # Kept by the file. Cannot be set in a transaction, so past SQLAlchemy, which begins one.
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.execute("PRAGMA journal_mode = WAL")
        with engine.execution_options(**{engines.WRITES: True}).begin() as connection:
            yield connection
