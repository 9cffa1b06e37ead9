"""The tables, however a database came to them."""

import re
import subprocess
import sys
from operator import itemgetter

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, make_url, text

from airflow_ml.exceptions import WorkspaceException
from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import Home, open_registry
from airflow_ml.registry.all_tables import Base
from airflow_ml.registry.engine import make_engine, registry_url
from airflow_ml.registry.migrations import make_config, upgrade
from airflow_ml.registry.schema import HEAD, VERSION_TABLE


def make_fresh_engine(ref: WorkspaceRef):
    """Return an engine of the reference's empty database."""
    path = Home.default().workspace(ref.name).registry_path
    path.parent.mkdir(parents=True, exist_ok=True)
    return make_engine(registry_url(ref.registry_url, path))


def describe(connection: Connection) -> dict[str, object]:
    """Return everything that the database knows of its tables, in an order of its own."""
    inspector = inspect(connection)
    described: dict[str, object] = {}
    for table in inspector.get_table_names():
        columns = [{**column, "type": str(column["type"])} for column in inspector.get_columns(table)]
        parts = {
            "primary": inspector.get_pk_constraint(table),
            "foreign": sorted(inspector.get_foreign_keys(table), key=itemgetter("name")),
            "unique": sorted(inspector.get_unique_constraints(table), key=itemgetter("name")),
            "indexes": sorted(inspector.get_indexes(table), key=itemgetter("name")),
        }
        described[table] = (columns, re.sub(r"<[^>]*>", "condition", str(parts)))
    return described


def describe_index_conditions(connection: Connection) -> list[tuple[str, ...]]:
    """Return the indexes as SQL, which has the conditions of the partial ones."""
    if connection.dialect.name == "sqlite":
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
    else:
        query = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'aml_%' ORDER BY indexname"
    return [(name, re.sub(r'[\s"]+', " ", sql)) for name, sql in connection.execute(text(query))]


def test_migrations_and_models_give_the_same_tables(fresh_ref):
    """A database that was migrated has the tables, columns, constraints and indexes of the models."""
    engine = make_fresh_engine(fresh_ref)
    with engine.begin() as connection:
        Base.metadata.create_all(connection)
        modelled = describe(connection), describe_index_conditions(connection)
        Base.metadata.drop_all(connection)

    with engine.begin() as connection:
        upgrade(connection, None)
        tables, indexes = describe(connection), describe_index_conditions(connection)
        differences = compare_metadata(
            MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}), Base.metadata
        )

    tables.pop(VERSION_TABLE)
    indexes = [index for index in indexes if VERSION_TABLE not in index[0]]
    assert tables == modelled[0]
    assert indexes == modelled[1]
    assert differences == []


def test_a_downgrade_leaves_nothing_behind(fresh_ref):
    """Every table that the migrations make is dropped by them again."""
    with make_fresh_engine(fresh_ref).begin() as connection:
        upgrade(connection, None)
        command.downgrade(make_config(connection), "base")

        assert inspect(connection).get_table_names() == [VERSION_TABLE]


def test_a_new_database_is_at_the_newest_migration(fresh_ref):
    """Opening a new workspace stamps the version that Alembic calls its head."""
    open_registry(fresh_ref).close()

    with make_fresh_engine(fresh_ref).connect() as connection:
        stored = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    assert stored == HEAD == ScriptDirectory.from_config(make_config()).get_current_head()


def test_a_database_of_a_newer_version_is_refused(fresh_ref):
    """A database that a newer airflow-ml migrated is not touched, and the error says what to upgrade."""
    open_registry(fresh_ref).close()
    with make_fresh_engine(fresh_ref).begin() as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))

    with pytest.raises(WorkspaceException, match=r"version '9999'.*upgrade airflow-ml"):
        open_registry(fresh_ref)


@pytest.mark.postgres
def test_the_tables_live_beside_those_of_others(postgres_url):
    """A database that has tables of Airflow's is taken, and its own version table stays as it is."""
    with make_engine(make_url(postgres_url).set(drivername="postgresql+psycopg2")).begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('airflow')"))

    with open_registry(WorkspaceRef("w", registry_url=postgres_url)) as registry:
        assert len(registry.datastores.list()) == 4
    with make_engine(make_url(postgres_url).set(drivername="postgresql+psycopg2")).connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "airflow"


def test_opening_an_sqlite_registry_imports_nothing_of_postgresql(home):
    """The tables alone must not import a dialect that is not used."""
    source = """
import sys
from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import open_registry
open_registry(WorkspaceRef("w")).close()
print([name for name in sys.modules if "postgresql" in name or "asyncpg" in name or "psycopg" in name])
"""
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
