"""Steps that copy out of databases and into them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from airflow_ml.core import Datastore, Workspace
from airflow_ml.core.compute import ComputeTarget, DataFactoryCompute
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.sql_data_reference import SqlDataReference
from airflow_ml.data.stored_procedure_parameter import StoredProcedureParameter, StoredProcedureParameterType
from airflow_ml.execution.attempt import Control
from airflow_ml.execution.steps import take_step
from airflow_ml.pipeline.steps import DataTransferStep
from airflow_ml.storage.databases import Database

pytestmark = pytest.mark.postgres

#: Of no use to the server, and nowhere to be found.
PASSWORD = "hunter2-of-the-copies"


@pytest.fixture
def sales(postgres, workspace: Workspace):
    """A datastore of a database with two people in one table and nobody in another."""
    postgres.run(
        "CREATE TABLE people (id int PRIMARY KEY, name text)",
        "CREATE TABLE others (id int, name text)",
        "INSERT INTO people VALUES (1, 'Ann'), (2, NULL)",
    )
    ComputeTarget.create(workspace, "adf", DataFactoryCompute.provisioning_configuration())
    server, database = str(postgres.settings["server"]), str(postgres.settings["database"])
    return Datastore.register_azure_postgre_sql(
        workspace, "sales", server, database, "postgres", PASSWORD, enforce_ssl=False
    )


@pytest.fixture
def files(workspace: Workspace) -> Path:
    """The folder of the datastore of files."""
    folder = workspace.registry().home.store("workspaceblobstore")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def copy(workspace: Workspace, sales, start: Callable) -> Callable:
    """Start a run of a step between two ends: a path among the files, or a mapping for the database."""

    def end(name: str, given: object) -> object:
        if isinstance(given, dict):
            return SqlDataReference(sales, name, **given)
        return DataReference(Datastore.get(workspace, "workspaceblobstore"), name, given)

    def make(source: object, destination: object, **options: object) -> object:
        ends = end("source", source), end("destination", destination)
        return start(DataTransferStep("step", *ends, compute_target="adf", **options))

    return make


@pytest.mark.parametrize("source", [{"sql_table": "people"}, {"sql_query": "SELECT id, name FROM people ORDER BY id"}])
def test_rows_go_into_a_file(copy, files, source):
    """Rows become a file with a line of names; what is missing is empty."""
    run = copy(source, "out/people.csv")
    run.run()

    assert (files / "out/people.csv").read_text() == "id,name\n1,Ann\n2,\n"
    assert run.output("_data_transfer_output") == files / "out/people.csv"


def test_rows_go_into_a_folder_and_into_parquet(copy, files):
    """A folder gets a file with the table's name; an ending says the format."""
    copy({"sql_table": "people"}, "out").run()
    copy({"sql_table": "people"}, "out/people.parquet").run()

    assert (files / "out/people.csv").is_file()
    assert (files / "out/people.parquet").read_bytes()[:4] == b"PAR1"


def test_a_procedure_is_asked(copy, files, postgres):
    """A function gives its rows, with parameters that are bound."""
    body = "LANGUAGE sql AS 'SELECT * FROM people WHERE id = wanted'"
    postgres.run(f"CREATE FUNCTION named(wanted int) RETURNS SETOF people {body}")
    parameter = StoredProcedureParameter("wanted", "1", StoredProcedureParameterType.Int)

    copy({"sql_stored_procedure": "named", "sql_stored_procedure_params": [parameter]}, "one.csv").run()

    assert (files / "one.csv").read_text() == "id,name\n1,Ann\n"


def test_a_file_goes_into_a_table_once(copy, files, postgres):
    """The rows are added; a second run adds nothing as long as they are there and the file has not changed."""
    (files / "new.csv").write_text("name,id\nCy,3\n")
    copy("new.csv", {"sql_table": "people"}).run()
    second = copy("new.csv", {"sql_table": "people"})

    assert postgres.rows("SELECT name FROM people WHERE id = 3") == [("Cy",)]
    assert second.foreseen() == "reuse"
    postgres.run("DELETE FROM people WHERE id = 3")
    assert second.foreseen() == "run"


def test_a_header_that_does_not_match_adds_nothing(copy, files, postgres):
    """Column names must be the table's; nothing is added, and the next try may be right."""
    (files / "new.csv").write_text("id,nom\n3,Cy\n")

    assert "does not match table 'people'" in str(copy("new.csv", {"sql_table": "people"}).fail())
    assert postgres.rows("SELECT count(*) FROM people") == [(2,)]


def test_a_table_goes_into_a_table(copy, postgres):
    """Rows of one database are added to a table of another."""
    copy({"sql_table": "people"}, {"sql_table": "others"}).run()

    assert postgres.rows("SELECT id, name FROM others ORDER BY id") == [(1, "Ann"), (2, None)]


def test_rows_of_databases_are_read_each_time(copy):
    """Whether rows have changed is not known before they are read: the step runs, and its reader may be reused."""
    copy({"sql_table": "people"}, "people.csv").run()

    assert copy({"sql_table": "people"}, "people.csv").foreseen() == "run"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_try_is_not_added_twice(copy, files, postgres, monkeypatch, moment):
    """A try that is killed before or after its transaction is followed by one that leaves the rows there once."""
    (files / "new.csv").write_text("id,name\n3,Cy\n4,Di\n")
    run = copy("new.csv", {"sql_table": "others"})
    append = Database.append

    def die(self, *args, **options):
        if moment == "after":
            append(self, *args, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    child = os.fork()
    if child == 0:
        monkeypatch.setattr(Database, "append", die)
        try:
            run.run()
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    run.run()

    assert postgres.rows("SELECT id FROM others ORDER BY id") == [(3,), (4,)]


@pytest.mark.parametrize(("cleared_after", "count"), [(0, 2), (1, 4)])
def test_a_task_that_died_before_airflow_heard_adds_nothing(copy, files, postgres, cleared_after, count):
    """Airflow's next try takes what is recorded; a person who clears the task has the rows added once more."""
    (files / "new.csv").write_text("id,name\n3,Cy\n4,Di\n")
    run = copy("new.csv", {"sql_table": "others"})
    run.run()
    task = run.task("step")
    again = replace(task, task=replace(task.task, try_number=2, cleared_after=cleared_after))

    take_step(run.services, again, Control(lambda: False, run.log.append, lambda _: None, lambda _: False))

    assert postgres.rows("SELECT count(*) FROM others") == [(count,)]


def test_a_table_that_others_wrote_to_is_left_to_people(copy, files, postgres, monkeypatch):
    """Where nobody can tell what a killed try did, nothing is added, and the text says how many rows there were."""
    (files / "new.csv").write_text("id,name\n3,Cy\n4,Di\n")
    run = copy("new.csv", {"sql_table": "others"})

    class Gone(BaseException):
        """Stands for the process's death."""

    def die(*_args, **_options):
        postgres.run("INSERT INTO others VALUES (9, 'else')")
        raise Gone

    with monkeypatch.context() as patched:
        patched.setattr(Database, "append", die)
        with pytest.raises(Gone):
            run.run()

    assert "had 0 rows" in str(run.fail())
