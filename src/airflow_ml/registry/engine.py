"""Engines for the two databases that a registry can live in."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from airflow_ml.exceptions import WorkspaceException
from airflow_ml.registry.forks import around_forks, using_file

__all__ = ["WRITES", "file_url", "make_engine", "registry_url", "using"]

#: Execution option of connections that are going to write.
WRITES = "airflow_ml_writes"

#: How long a writer waits for another one, in seconds; each holds SQLite's one write lock for milliseconds.
_BUSY_SECONDS = 30

#: A connection that has answered so many seconds ago is taken for alive. A step asks some forty times in a second,
#: and the question whether PostgreSQL is there costs more than most of what is asked.
_TRUSTED_SECONDS = 1.0

_engines: WeakSet[Engine] = WeakSet()
_inherited_pools: list[Pool] = []


def _close_files() -> None:
    for engine in list(_engines):
        if engine.dialect.name == "sqlite":
            engine.dispose()


def _forget_inherited() -> None:
    # Airflow forks its task processes. A connection that two processes use is corrupt, and closing the parent's in
    # the child would say goodbye to the server in the parent's name: the child keeps it, unused.
    for engine in list(_engines):
        _inherited_pools.append(engine.pool)
        engine.dispose(close=False)


around_forks(close=_close_files, forget=_forget_inherited)


def registry_url(named: str | None, path: Path) -> URL:
    """
    Return the database of a registry: the one that is named, else `AIRFLOW_ML_REGISTRY`, else an SQLite file.

    A URL in a workspace reference has no password: it comes from `AIRFLOW_ML_REGISTRY` when that names the same
    database, from `AIRFLOW_ML_REGISTRY_PASSWORD`, or by PostgreSQL's own ways (`PGPASSWORD`, `~/.pgpass`).

    Raises:
        WorkspaceException: the text is no URL, or its database is neither SQLite nor PostgreSQL.
    """
    default = os.environ.get("AIRFLOW_ML_REGISTRY")
    text = named or default
    if not text:
        return file_url(path)
    url = _parse(text)
    if url.password is None and url.get_backend_name() == "postgresql":
        same = _parse(default) if default else url
        known = same.password if _place(same) == _place(url) else None
        url = url.set(password=known or os.environ.get("AIRFLOW_ML_REGISTRY_PASSWORD"))
    return url


def file_url(path: Path) -> URL:
    """Return the URL of an SQLite file."""
    return URL.create("sqlite", database=str(path))


def _place(url: URL) -> tuple[object, ...]:
    return url.drivername, url.username, url.host, url.port, url.database, url.query


def _parse(text: str) -> URL:
    try:
        url = make_url(text)
    except ArgumentError as exc:
        raise WorkspaceException("registry URL cannot be read; expected postgresql://user@host/database") from exc
    family = url.drivername.partition("+")[0]
    if family in {"postgres", "postgresql"}:
        # Named in full, because SQLAlchemy's choice for plain postgresql:// changes between its versions.
        return url.set(drivername="postgresql+psycopg2")
    if family == "sqlite" and url.database and url.database != ":memory:":
        return url
    raise WorkspaceException(
        f"registry URL {url.render_as_string()!r}: expected postgresql://user@host/database or sqlite:////path/file.db"
    )


def make_engine(url: URL) -> Engine:
    """Return an engine that threads may share and that a forked child may go on using."""
    engine = _sqlite_engine(url) if url.get_backend_name() == "sqlite" else _postgres_engine(url)
    _engines.add(engine)
    return engine


def using(engine: Engine) -> AbstractContextManager[None]:
    """Stand around what is done with an engine's connections (`airflow_ml.registry.forks`)."""
    return using_file() if engine.dialect.name == "sqlite" else nullcontext()


def _postgres_engine(url: URL) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=5,
        max_overflow=20,
        pool_recycle=1800,
        connect_args={"connect_timeout": 10, "application_name": "airflow-ml"},
    )

    def note_use(_connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info["used"] = time.monotonic()

    def refuse_dead(connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        idle = time.monotonic() - entry.info.get("used", time.monotonic())
        if idle <= _TRUSTED_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError("the server has ended the connection") from error  # the pool takes another one

    event.listen(engine, "checkin", note_use)
    event.listen(engine, "checkout", refuse_dead)
    return engine


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(
        url, hide_parameters=True, pool_size=5, max_overflow=20, connect_args={"timeout": _BUSY_SECONDS}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # The driver must not begin transactions by itself: it would begin them as readers.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer fails at once, whatever the timeout, if another one wrote in between.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
