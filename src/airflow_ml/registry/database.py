"""Transactions of a registry, and what its repositories share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Engine, inspect, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from airflow_ml.exceptions import ServiceException
from airflow_ml.registry.engine import WRITES
from airflow_ml.registry.tables import Base, Workspace

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

__all__ = ["Database", "Repository", "Scope", "database_errors", "in_batches"]


@contextmanager
def database_errors(engine: Engine) -> Iterator[None]:
    """Turn what the database driver raises into ServiceException; trying again can help."""
    try:
        yield
    except (DBAPIError, PoolTimeoutError) as exc:
        reason = str(exc.orig if isinstance(exc, DBAPIError) else exc).strip().splitlines()[0]
        raise ServiceException(
            f"registry {engine.url.render_as_string()!r}: {reason}; see that the database can be reached and written"
        ) from exc


def in_batches(values: Iterable[str], size: int = 500) -> Iterator[list[str]]:
    """Yield the values in lists that a query's IN takes: SQLite had room for 999 once."""
    rest = iter(values)
    while batch := [*islice(rest, size)]:
        yield batch


class Database:
    """Sessions of one engine, each one transaction: all of it is seen by others, or nothing."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reading = sessionmaker(engine, expire_on_commit=False)
        self._writing = sessionmaker(engine.execution_options(**{WRITES: True}), expire_on_commit=False)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session for queries."""
        with database_errors(self.engine), self._reading.begin() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session that commits at the end, and rolls back if an error leaves the block."""
        with database_errors(self.engine), self._writing.begin() as session:
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
        keys = [column.name for column in inspect(table).primary_key]
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
        query = select(Workspace).where(Workspace.key == self.workspace_id).with_for_update(key_share=True)
        return session.scalars(query).one()


class Repository:
    """One kind of record of one workspace."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._database = scope.database
        self._workspace_id = scope.workspace_id
