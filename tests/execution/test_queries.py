"""Tables that are queries of a database: as inputs of steps, asked for by scripts, and what reuse makes of them."""

import os
import threading
from pathlib import Path

import pytest
from plain_text import files_with

from airflow_ml.core import Dataset, Datastore
from airflow_ml.exceptions import UserErrorException
from airflow_ml.execution.model import Airflow
from airflow_ml.execution.reusing import decide_after
from airflow_ml.pipeline.core import PipelineData

pytestmark = pytest.mark.postgres

#: Of no use to the server, and nowhere to be found.
PASSWORD = "hunter2-of-the-queries"

READ = """
import json, os, sys
from azureml.core import Run
frame = Run.get_context().input_datasets["people"].to_pandas_dataframe()
open(sys.argv[1], "w").write(json.dumps([len(frame), str(frame.dtypes.to_dict()), frame["name"].fillna("?").tolist()]))
assert not [value for value in os.environ.values() if "hunter2" in value]
"""


@pytest.fixture
def sales(postgres, workspace):
    """A datastore of a database with a table of three people."""
    postgres.run(
        "CREATE TABLE people (id int PRIMARY KEY, name text, share numeric(8,2), born date)",
        "INSERT INTO people VALUES (1, 'Ann', 0.5, '2000-01-01'), (2, NULL, NULL, NULL), (3, 'Cy', 2, '1990-05-05')",
    )
    server, database = str(postgres.settings["server"]), str(postgres.settings["database"])
    return Datastore.register_azure_postgre_sql(
        workspace, "sales", server, database, "postgres", PASSWORD, enforce_ssl=False
    )


@pytest.fixture
def step(script, sales, workspace):
    """Function that makes a step with a query as its input."""

    def make(source=READ, query="SELECT * FROM people ORDER BY id", **options):
        out = PipelineData("out")
        table = Dataset.Tabular.from_sql_query((sales, query), **options)
        return script(source, out, inputs=[table.as_named_input("people")], outputs=[out])

    return make


def test_a_script_reads_a_query(step, start, result):
    """The script gets the rows with v1's types: numbers as doubles, dates as times."""
    started = start(step())
    started.run()
    count, types, names = result(started)
    assert (count, names) == (3, ["Ann", "?", "Cy"])
    assert "'share': dtype('float64')" in types
    assert "'born': dtype('<M8[us]')" in types
    assert files_with(Path(os.environ["AIRFLOW_ML_HOME"]), PASSWORD) == []


def test_equal_rows_are_reused_and_others_are_not(step, start, postgres):
    """A query counts by the rows that it gives, whatever was done to the table."""
    started = start(step())
    started.run_all()
    assert started.foreseen() == "reuse"
    postgres.run("UPDATE people SET name = 'Bo' WHERE id = 2")
    assert started.foreseen() == "run"
    postgres.run("UPDATE people SET name = NULL WHERE id = 2")
    assert started.foreseen() == "reuse"


def test_a_table_that_changes_while_the_script_runs(step, start, result, postgres, gate):
    """What a script reads is what its fingerprint speaks of: the rows as they were when the step was admitted."""
    source = f"{gate.wait_here}\n{READ}"
    started = start(step(source))
    thread = threading.Thread(target=started.run)
    thread.start()
    gate.wait()
    postgres.run("UPDATE people SET name = 'Bo' WHERE id = 2")
    gate.open()
    thread.join()
    assert result(started)[2] == ["Ann", "?", "Cy"]
    assert started.foreseen() == "run"
    postgres.run("UPDATE people SET name = NULL WHERE id = 2")
    assert started.foreseen() == "reuse"


def test_a_step_that_changes_the_table_of_the_next(step, script, start, services, postgres, sales):
    """A step that follows one that wrote to the database is decided by what the database says then."""
    started = start(step())
    started.run_all()
    again = start(step())
    again.run()
    postgres.run("INSERT INTO people VALUES (4, 'Di', 0, NULL)")
    record = services.registry.runs.get(again.id)
    assert decide_after(services, again.graph, record, "step", Airflow("d", "r", "step")) == ()
    assert again.foreseen() == "run"


def test_a_script_asks_by_itself(script, start, sales, services, postgres):
    """A script may define a query; parameters are bound; a later run takes its result while the rows are the same."""
    source = """
from azureml.core import Dataset, Datastore, Run
from azureml.data.datapath import DataPath
ws = Run.get_context().experiment.workspace
store = Datastore.get(ws, "sales")
query = "SELECT id FROM people WHERE name = :name"
table = Dataset.Tabular.from_sql_query((store, query), parameters={"name": "x' OR ''='"})
assert len(table.to_pandas_dataframe()) == 0
table = Dataset.Tabular.from_sql_query(DataPath(store, "SELECT * FROM people ORDER BY id"), query_timeout=5)
assert table.filter(table["share"] > 1).to_pandas_dataframe()["id"].tolist() == [3]
assert table.take(1).keep_columns(["name"]).to_pandas_dataframe().values.tolist() == [["Ann"]]
table.register(ws, "people")
"""
    started = start(script(source))
    started.run_all()
    assert started.foreseen() == "reuse"
    assert Dataset.get_by_name(sales.workspace, "people").to_pandas_dataframe()["id"].tolist() == [1, 2, 3]
    postgres.run("DELETE FROM people WHERE id = 1")
    assert started.foreseen() == "run"


def test_a_query_that_is_wrong_fails_the_step(step, start):
    """The script's error names datastore and table in the database's words."""
    started = start(step(query="SELECT * FROM persons"))
    started.fail()
    log = "\n".join(started.log)
    assert "datastore 'sales': the query: relation \"persons\" does not exist" in log


def test_outputs_are_not_on_databases(script, sales, start):
    """A step whose output is on a database is refused before anything runs."""
    out = PipelineData("out", datastore=sales)
    with pytest.raises(UserErrorException, match="'sales': is a database: it has tables, not files"):
        start(script(READ, out, outputs=[out]))
