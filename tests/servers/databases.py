"""Databases of tests' own, as datastores and as their servers see them."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from servers.mariadb import MariaDb
from sqlalchemy.engine import make_url

from airflow_ml.storage.databases import Database, open_database
from airflow_ml.storage.factory import StoreContext

__all__ = ["Served", "serve", "served_mysql", "served_postgres"]


@dataclass(frozen=True)
class Served:
    """
    A database of a test's own.

    Attributes:
        settings: of a datastore.
        database: what is tested.
        engine: another way into it, to prepare and to look.
    """

    settings: dict[str, object]
    database: Database
    engine: sa.Engine

    @property
    def is_postgres(self) -> bool:
        """Whether it is PostgreSQL, where the two differ."""
        return self.settings["kind"] == "postgres"

    def run(self, *statements: str) -> None:
        """Run statements in one transaction."""
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement, execution_options={"no_parameters": True})

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Return what a statement selects."""
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(statement)]


def serve(settings: dict[str, object], engine: sa.Engine) -> Served:
    """Return a database under the name `sales`."""
    return Served(settings, open_database(settings, StoreContext("sales")), engine)


@contextmanager
def served_postgres(url: str) -> Iterator[Served]:
    """Give an empty PostgreSQL database (`postgres_url`)."""
    place = make_url(url)
    settings: dict[str, object] = {
        "kind": "postgres",
        "server": str(place.query["host"]),
        "database": place.database,
        "user": "postgres",
        "enforce_ssl": False,
    }
    engine = sa.create_engine(place.set(drivername="postgresql+psycopg2"))
    yield serve(settings, engine)
    engine.dispose()


@contextmanager
def served_mysql(server: MariaDb) -> Iterator[Served]:
    """Make an empty MariaDB database."""
    name = f"test_{uuid.uuid4().hex}"
    with sa.create_engine(server.url()).begin() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine = sa.create_engine(server.url(name))
    yield serve({"kind": "mysql", "server": str(server.socket), "database": name, "user": "root"}, engine)
    engine.dispose()
