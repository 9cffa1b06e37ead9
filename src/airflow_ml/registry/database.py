"""
Transactions of a registry, and what its repositories share.

SQLAlchemy is imported by the first use that needs it: what is asked before anything runs (`rows_of`) is read without
it where the registry is this machine's SQLite file.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from airflow_ml._late import late
from airflow_ml.exceptions import ServiceException
from airflow_ml.registry.plain_reads import PlainReads, PlainSession

if TYPE_CHECKING:
    import sqlalchemy
    from sqlalchemy import Engine, exc, orm
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.orm import Session, sessionmaker

    from airflow_ml.registry import engine as engines
    from airflow_ml.registry import statements, tables
    from airflow_ml.registry.tables import Base, Workspace
else:
    engines = late("airflow_ml.registry.engine")
    exc = late("sqlalchemy.exc")
    orm = late("sqlalchemy.orm")
    sqlalchemy = late("sqlalchemy")
    statements = late("airflow_ml.registry.statements")
    tables = late("airflow_ml.registry.tables")

__all__ = ["Database", "Repository", "Scope", "database_errors", "in_batches", "rows_of"]


@contextmanager
def database_errors(engine: Engine) -> Iterator[None]:
    """Turn what the database driver raises into ServiceException; trying again can help."""
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError) as error:
        reason = str(error.orig if isinstance(error, exc.DBAPIError) else error)
        raise _failure(engine.url.render_as_string(), reason) from error


def _failure(shown: str, reason: str) -> ServiceException:
    line = reason.strip().splitlines()[0]
    return ServiceException(f"registry {shown!r}: {line}; see that the database can be reached and written")


def rows_of(session: Session | PlainSession, statement: str, **values: object) -> list[Any]:
    """
    Return the rows of one of `airflow_ml.registry.statements`, with the columns as attributes.

    Args:
        statement: its name.
        values: its parameters; a list for each IN.
    """
    if isinstance(session, PlainSession):
        return [*session.rows(statement, values)]
    return [*session.execute(statements.STATEMENTS[statement], values)]


def in_batches(values: Iterable[str], size: int = 500) -> Iterator[list[str]]:
    """Yield the values in lists that a query's IN takes: SQLite had room for 999 once."""
    rest = iter(values)
    while batch := [*islice(rest, size)]:
        yield batch


class Database:
    """Sessions of one engine, each one transaction: all of it is seen by others, or nothing."""

    def __init__(self, source: Engine | Path) -> None:
        """Take an engine, or the SQLite file whose engine is made when it is needed."""
        self._source = source
        self._plain = PlainReads(source) if isinstance(source, Path) else None

    @cached_property
    def engine(self) -> Engine:
        """The engine; made by a process that does more than to read what `rows_of` gives."""
        source = self._source
        return engines.make_engine(engines.file_url(source)) if isinstance(source, Path) else source

    @cached_property
    def _reading(self) -> sessionmaker[Session]:
        return orm.sessionmaker(self.engine, expire_on_commit=False)

    @cached_property
    def _writing(self) -> sessionmaker[Session]:
        return orm.sessionmaker(self.engine.execution_options(**{engines.WRITES: True}), expire_on_commit=False)

    @property
    def shown(self) -> str:
        """Where the database is, without a password: this text ends up in logs."""
        source = self._source
        return f"sqlite:///{source}" if isinstance(source, Path) else source.url.render_as_string()

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        if self._plain is not None:
            self._plain.close()
        if not isinstance(self._source, Path) or "engine" in vars(self):
            self.engine.dispose()

    @contextmanager
    def look_up(self) -> Iterator[Session | PlainSession]:
        """Give a session for `rows_of` alone."""
        if self._plain is None:
            with self.read() as session:
                yield session
            return
        try:
            with self._plain.session() as plain:
                yield plain
        except sqlite3.Error as error:
            raise _failure(self.shown, str(error)) from error

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session for queries."""
        with engines.using(self.engine), database_errors(self.engine), self._reading.begin() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session that commits at the end, and rolls back if an error leaves the block."""
        with engines.using(self.engine), database_errors(self.engine), self._writing.begin() as session:
            yield session

    def insert(self, table: type[Base]) -> postgresql.Insert:
        """Return an INSERT that knows ON CONFLICT, which both databases spell alike."""
        # One of two modules: the other one would only cost time.
        dialect = import_module(f"sqlalchemy.dialects.{self.engine.dialect.name}")
        return cast("postgresql.Insert", dialect.insert(table))

    def upsert(self, session: Session, table: type[Base], rows: list[dict[str, Any]]) -> None:
        """Insert the rows, and replace those whose primary key is there."""
        if not rows:
            return
        keys = [column.name for column in sqlalchemy.inspect(table).primary_key]
        statement = self.insert(table)
        changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        # One order of locking for all writers, so that two batches cannot wait for each other.
        ordered = sorted(rows, key=lambda row: [str(row[key]) for key in keys])
        session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed), ordered)


@dataclass(frozen=True)
class Scope:
    """The workspace that a repository is limited to."""

    database: Database
    workspace_id: int
    workspace_name: str

    def lock(self, session: Session) -> Workspace:
        """
        Hold the workspace's row until the transaction ends, and return it.

        Whoever numbers versions takes this lock first; SQLite has one writer anyway.
        """
        table = tables.Workspace
        query = sqlalchemy.select(table).where(table.key == self.workspace_id).with_for_update(key_share=True)
        return session.scalars(query).one()


class Repository:
    """One kind of record of one workspace."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._database = scope.database
        self._workspace_id = scope.workspace_id
