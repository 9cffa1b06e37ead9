"""Real servers, and one set of tools for the tests of all kinds of databases."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from servers.mariadb import MariaDb, running_mariadb
from sqlalchemy.engine import make_url

from airflow_ml.storage.databases import Database, open_database
from airflow_ml.storage.factory import StoreContext


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


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """Start a MariaDB server for the whole session."""
    with running_mariadb() as server:
        yield server


def serve(settings: dict[str, object], engine: sa.Engine, **secrets: str) -> Served:
    """Return a database under the name `sales`."""
    context = StoreContext("sales", credentials=lambda: secrets)
    return Served(settings, open_database(settings, context), engine)


@pytest.fixture
def postgres(postgres_url: str) -> Iterator[Served]:
    """Make an empty PostgreSQL database."""
    url = make_url(postgres_url)
    settings = {
        "kind": "postgres",
        "server": str(url.query["host"]),
        "database": url.database,
        "user": "postgres",
        "enforce_ssl": False,
    }
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg2"))
    yield serve(settings, engine)
    engine.dispose()


@pytest.fixture
def mysql(mariadb: MariaDb) -> Iterator[Served]:
    """Make an empty MariaDB database."""
    name = f"test_{uuid.uuid4().hex}"
    with sa.create_engine(mariadb.url()).begin() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine = sa.create_engine(mariadb.url(name))
    yield serve({"kind": "mysql", "server": str(mariadb.socket), "database": name, "user": "root"}, engine)
    engine.dispose()


@pytest.fixture(
    params=[pytest.param("postgres", marks=pytest.mark.postgres), pytest.param("mysql", marks=pytest.mark.mariadb)]
)
def served(request: pytest.FixtureRequest) -> Served:
    """Give a database of each kind in turn."""
    found: Served = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that writes a delimited file."""

    def write_file(text: str) -> Path:
        place = tmp_path / "rows.csv"
        place.write_text(text, encoding="utf-8", newline="")
        return place

    return write_file
