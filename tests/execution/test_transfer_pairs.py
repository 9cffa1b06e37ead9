"""Steps that copy between every two kinds of datastores: files and folders, rows into files and into tables."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pandas
import pytest
from servers.azurite import Azurite
from servers.databases import Served
from servers.file_share import ACCOUNT, KEY, running_share_server

from airflow_ml.core import Datastore, Workspace
from airflow_ml.core.compute import ComputeTarget, DataFactoryCompute
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.sql_data_reference import SqlDataReference
from airflow_ml.data.stored_procedure_parameter import StoredProcedureParameter, StoredProcedureParameterType
from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.stores import Stores
from airflow_ml.pipeline.steps import DataTransferStep
from airflow_ml.storage.protocol import Store

FILES = ["local", "share", *(pytest.param(kind, marks=pytest.mark.azurite) for kind in ("blob", "lake"))]
TABLES = [pytest.param("sql", marks=pytest.mark.postgres), pytest.param("my", marks=pytest.mark.mariadb)]

#: Names that every kind takes, a file in parts, an empty one, and one that a prefix alone would take for the folder's.
NAMES = {"a b%20.txt": 3, "deep/\u017elu\u0165 #+&.bin": (8 << 20) + 5, "deep/empty": 0, "deep.txt": 1}

#: Of the databases.
PASSWORD = "hunter2-of-the-pairs"

PEOPLE = "id int PRIMARY KEY, name varchar(20), pay decimal(8,2)"
ROWS = [(1, "\u017dlu, \u0165", Decimal("1.50")), (2, None, None)]
CSV = 'id,name,pay\n1,"\u017dlu, \u0165",1.50\n2,,\n'


@dataclass
class Ends:
    """
    A workspace in which each kind of datastore can be an end of a copy; a datastore is called like its kind.

    Attributes:
        server: what each database is, to prepare and to look.
    """

    workspace: Workspace
    request: pytest.FixtureRequest
    server: dict[str, Served]

    def store(self, kind: str) -> Store:
        """Return the store of a datastore of files."""
        return Stores(self.workspace.registry())(self.datastore(kind).name)

    def datastore(self, kind: str) -> object:
        """Return a datastore, registered when it is asked for first."""
        if kind == "local":
            return Datastore.get(self.workspace, "workspaceblobstore")
        if kind not in self.workspace.datastores:
            self.request.getfixturevalue(f"{kind}_end")(self)
        return Datastore.get(self.workspace, kind)


@pytest.fixture
def ends(workspace: Workspace, request: pytest.FixtureRequest) -> Ends:
    """A workspace with a compute target for copies."""
    ComputeTarget.create(workspace, "adf", DataFactoryCompute.provisioning_configuration())
    return Ends(workspace, request, {})


@pytest.fixture
def share_end(tmp_path: Path) -> Iterator[Callable[[Ends], None]]:
    """Register a file share."""
    with running_share_server(tmp_path / "shares") as server:
        given = {"account_key": KEY, "protocol": "http", "endpoint": server.url, "create_if_not_exists": True}
        yield lambda ends: Datastore.register_azure_file_share(ends.workspace, "share", "data", ACCOUNT, **given)


@pytest.fixture
def blob_end(azurite: Azurite) -> Iterator[Callable[[Ends], None]]:
    """Register a container, opened by its account's key."""
    with azurite.new_store() as made:
        given = {"account_key": azurite.key, "endpoint": azurite.endpoint}
        place = made.client.address.container, azurite.account
        yield lambda ends: Datastore.register_azure_blob_container(ends.workspace, "blob", *place, **given)


@pytest.fixture
def lake_end(azurite: Azurite, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Ends], None]]:
    """Register a lake, opened by an Airflow connection, with the marks that such an account has for its folders."""
    connection = {"conn_type": "wasb", "extra": {"account_key": azurite.key}}
    monkeypatch.setenv("AIRFLOW_CONN_LAKE", json.dumps(connection))
    with azurite.new_store() as made:
        for folder in ("in", "in/deep"):
            made.blobs.make_mark(folder)
        place = made.client.address.container, azurite.account
        given = {"connection": "lake", "endpoint": azurite.endpoint}
        yield lambda ends: Datastore.register_azure_data_lake_gen2(ends.workspace, "lake", *place, **given)


@pytest.fixture
def sql_end(postgres: Served) -> Callable[[Ends], None]:
    """Register a PostgreSQL database with people in a table, nobody in another, and a function."""
    body = "SELECT * FROM people WHERE id = wanted"
    postgres.run(f"CREATE TABLE people ({PEOPLE})", f"CREATE TABLE others ({PEOPLE})")
    postgres.run(f"CREATE FUNCTION one(wanted int) RETURNS SETOF people LANGUAGE sql AS '{body}'")

    def register(ends: Ends) -> None:
        ends.server["sql"] = postgres
        place = str(postgres.settings["server"]), str(postgres.settings["database"])
        Datastore.register_azure_postgre_sql(ends.workspace, "sql", *place, "postgres", PASSWORD, enforce_ssl=False)

    fill(postgres)
    return register


@pytest.fixture
def my_end(mysql: Served) -> Callable[[Ends], None]:
    """Register a MariaDB database with the same."""
    mysql.run(f"CREATE TABLE people ({PEOPLE})", f"CREATE TABLE others ({PEOPLE})")
    mysql.run("CREATE PROCEDURE one(wanted int) SELECT * FROM people WHERE id = wanted")
    # The server's own user has no password, and v1's call wants one.
    mysql.run(
        f"CREATE USER IF NOT EXISTS copier IDENTIFIED BY '{PASSWORD}'",
        f"GRANT ALL ON {mysql.settings['database']}.* TO copier",
    )

    def register(ends: Ends) -> None:
        ends.server["my"] = mysql
        place = str(mysql.settings["server"]), str(mysql.settings["database"])
        Datastore.register_azure_my_sql(ends.workspace, "my", *place, "copier", PASSWORD, endpoint="")

    fill(mysql)
    return register


def fill(served: Served) -> None:
    """Put the people into their table."""
    served.run("INSERT INTO people VALUES (1, '\u017dlu, \u0165', 1.50), (2, NULL, NULL)")


@pytest.fixture
def copy(ends: Ends, start: Callable) -> Callable:
    """Run a step from one kind of datastore to another: a path, or what a database is asked for."""

    def end(name: str, kind: str, what: object) -> object:
        if isinstance(what, dict):
            return SqlDataReference(ends.datastore(kind), name, **what)
        return DataReference(ends.datastore(kind), name, what)

    def run(source: tuple[str, object], target: tuple[str, object], **options: object) -> object:
        both = end("source", *source), end("target", *target)
        started = start(DataTransferStep("step", *both, compute_target="adf", **options))
        started.run_all()
        return started

    return run


@pytest.mark.parametrize("target", FILES)
@pytest.mark.parametrize("source", FILES)
def test_files_and_folders(copy: Callable, ends: Ends, source: str, target: str) -> None:
    """A file gets the path or keeps its name in a folder, a folder's content goes into the other, and is reused."""
    contents = {name: os.urandom(size) for name, size in NAMES.items()}
    for name, content in contents.items():
        ends.store(source).write(f"in/{name}", content)
    ends.store(target).write("out/own", b"own")
    ends.store(target).write("out/deep.txt", b"old")

    copy((source, "in"), (target, "out"))
    again = copy((source, "in"), (target, "out"))
    copy((source, "in/deep.txt"), (target, "named/x"))
    copy((source, "in/deep.txt"), (target, "folder"), destination_reference_type="directory")

    store = ends.store(target)
    found = {info.path[4:]: store.open_read(info.path).read() for info in store.list("out")}
    assert found == {**contents, "own": b"own"}
    assert store.open_read("named/x").read() == store.open_read("folder/deep.txt").read() == contents["deep.txt"]
    assert again.last().status == "Completed"
    assert not any(line.startswith("copied") for line in again.log)


@pytest.mark.parametrize("target", FILES)
def test_an_empty_folder(ends: Ends, script: Callable, start: Callable, target: str) -> None:
    """A folder without files is copied where the store has such a thing, and readers get an empty one everywhere."""
    ends.store("local").make_folder("in/sub")
    places = (DataReference(ends.datastore(kind), name, name) for kind, name in (("local", "in"), (target, "out")))
    copied = DataTransferStep("copy", *places, compute_target="adf").get_output()
    reader = script("import os, sys\nassert os.listdir(sys.argv[1]) == []", copied, inputs=[copied])

    assert start(reader).run_all().get_status() == "Finished"
    assert ends.store(target).is_folder("out") == (target != "blob")


@pytest.mark.parametrize("target", FILES)
@pytest.mark.parametrize("source", TABLES)
def test_rows_into_files(copy: Callable, ends: Ends, source: str, target: str) -> None:
    """A table, a query and a procedure become delimited and parquet files."""
    given = [StoredProcedureParameter("wanted", "1", StoredProcedureParameterType.Int)]
    procedure = {"sql_stored_procedure": "one", "sql_stored_procedure_params": given}
    copy((source, {"sql_table": "people"}), (target, "t.csv"))
    copy((source, {"sql_query": "SELECT * FROM people ORDER BY id"}), (target, "q.parquet"))
    copy((source, procedure), (target, "folder"))

    store = ends.store(target)
    assert store.open_read("t.csv").read().decode() == CSV
    frame = pandas.read_parquet(io.BytesIO(store.open_read("q.parquet").read()))
    assert [tuple(row) for row in frame.astype(object).where(frame.notna(), None).itertuples(index=False)] == ROWS
    assert store.open_read("folder/one.csv").read().decode() == "".join(CSV.splitlines(keepends=True)[:2])


@pytest.mark.parametrize("target", TABLES)
@pytest.mark.parametrize("source", FILES)
def test_files_into_tables(copy: Callable, ends: Ends, source: str, target: str) -> None:
    """Delimited and parquet files are added to a table; a header that does not match adds nothing."""
    store = ends.store(source)
    store.write("in/a.csv", CSV.encode())
    frame = pandas.DataFrame(ROWS, columns=["id", "name", "pay"])
    frame["id"] += 2
    written = io.BytesIO()
    frame.to_parquet(written)
    store.write("b.parquet", written.getvalue())
    store.write("c.csv", b"id,nom\n9,x\n")

    copy((source, "in"), (target, {"sql_table": "others"}))
    copy((source, "b.parquet"), (target, {"sql_table": "others"}))
    with pytest.raises(AzureMLException, match="does not match table 'others'"):
        copy((source, "c.csv"), (target, {"sql_table": "others"}))

    expected = [*ROWS, *((number + 2, *rest) for number, *rest in ROWS)]
    assert ends.server[target].rows("SELECT * FROM others ORDER BY id") == expected


@pytest.mark.parametrize("target", TABLES)
@pytest.mark.parametrize("source", TABLES)
def test_tables_into_tables(copy: Callable, ends: Ends, source: str, target: str) -> None:
    """Rows of one database are added to a table of another, with their types."""
    copy((source, {"sql_table": "people"}), (target, {"sql_table": "others"}))

    assert ends.server[target].rows("SELECT * FROM others ORDER BY id") == ROWS
