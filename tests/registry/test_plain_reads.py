"""What is read without SQLAlchemy is what SQLAlchemy would read."""

import os
import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest

from airflow_ml.exceptions import ServiceException
from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import Registry, compiled_statements
from airflow_ml.registry.compiled_statements import COMPILED
from airflow_ml.registry.database import rows_of
from airflow_ml.registry.plain_reads import PlainReads, PlainSession
from airflow_ml.registry.statements import STATEMENTS, compiled_module

NAMES = {"key": 1, "name": "workspaceblobstore", "fingerprint": "f", "most": 5}
NAMES |= {"dag_id": "train", "number": 7, "after": 0}


def values_for(name: str, registry: Registry, runs: list[str]) -> dict[str, object]:
    """Return parameters by which the statement finds something."""
    known: dict[str, object] = {
        **NAMES,
        "workspace": 1,
        "runs": runs,
        "keys": [1, 2, 3],
        "name": {"workspace_named": registry.workspace.name, "compute_target": "cpu"}.get(name, NAMES["name"]),
    }
    return {parameter: known[parameter] for parameter in STATEMENTS[name].compile().params if parameter in known}


@pytest.fixture
def ref(home: Path) -> WorkspaceRef:
    """Name a workspace of the embedded default, the only one that is read plainly."""
    return WorkspaceRef("w")


@pytest.fixture
def filled(registry: Registry) -> tuple[Registry, list[str]]:
    """Give a registry in which each statement finds rows, and the ids of its runs."""
    registry.compute_targets.put("cpu", type="AmlCompute", settings={"cores": 4, "free": None})
    registry.details.put({"description": "Grüße \0"})
    registry.dag_versions.add("train", graph_json="{}", arguments={"tags": ["a"]})
    pipeline = registry.runs.create("digits", "digits", kind="pipeline", status="Running", tags={"a": "b"})
    return registry, [pipeline.id]


def test_the_texts_are_those_of_the_statements():
    """After a change to the tables or the statements, `make statements` has been called."""
    assert Path(compiled_statements.__file__).read_text(encoding="utf-8") == compiled_module()


@pytest.mark.parametrize("name", STATEMENTS)
def test_both_ways_give_the_same_rows(filled, compute, name):
    """Each statement gives equal values of equal types by both ways, and no statement of the test finds nothing."""
    registry, runs = filled
    values = values_for(name, registry, [*runs, compute().id])
    database = registry._scope.database

    with database.look_up() as plain, database.read() as session:
        assert isinstance(plain, PlainSession)
        found = [vars(row) for row in rows_of(plain, name, **values)]
        expected = [row._asdict() for row in rows_of(session, name, **values)]

    assert found == expected != []
    assert [[type(value) for value in row.values()] for row in found] == [
        [type(value) for value in row.values()] for row in expected
    ]


@pytest.mark.parametrize("name", ["outputs_of_runs", "results_of_runs", "runs"])
def test_runs_are_found_by_their_ids(registry, name):
    """However many runs are asked for, no statement walks through all runs of the workspace."""
    with registry._scope.database.look_up() as plain:
        plan: list[str] = []
        ask = plain._connection.execute
        plain._connection = SimpleNamespace(
            execute=lambda text, given: plan.extend(str(row) for row in ask(f"EXPLAIN QUERY PLAN {text}", given)) or ()
        )
        rows_of(plain, name, workspace=1, runs=[str(number) for number in range(50)])

    assert plan
    assert not [line for line in plan if "ix_aml_runs_all" in line]


def test_an_empty_list_finds_nothing(registry):
    """An IN without values is no error."""
    with registry._scope.database.look_up() as plain:
        assert rows_of(plain, "runs", workspace=1, runs=[]) == []


def test_text_that_no_database_takes_is_not_found(registry):
    """A name with a lone surrogate or NUL is not there; it is no error."""
    assert registry.datastores.find("a\ud800") is None
    assert registry.compute_targets.find("a\0") is None


def test_a_forked_child_reads_by_its_own_connection(registry):
    """The connections of the parent are not used in the child, which opens its own."""
    reads = registry._scope.database._plain
    registry.datastores.default()
    assert reads.idle

    child = os.fork()
    if child == 0:
        try:
            is_free = not reads.idle
            registry.datastores.default()
            os._exit(0 if is_free else 2)
        except BaseException:  # noqa: BLE001 - a forked test process must not go on as pytest
            os._exit(1)

    assert os.waitpid(child, 0)[1] == 0
    assert registry.datastores.default().is_default


def test_nothing_is_written(registry):
    """A connection that reads can do nothing else, and a file that is gone is not made anew."""
    reads = registry._scope.database._plain
    with reads.session() as session, pytest.raises(sqlite3.OperationalError, match="readonly"):
        session._connection.execute("DELETE FROM aml_workspaces")
    reads.close()
    file = registry.home.registry_path
    file.rename(file.with_name("moved.db"))

    with pytest.raises(ServiceException, match="unable to open"):
        registry.datastores.default()
    assert not file.exists()


def test_sessions_inside_each_other_have_connections_of_their_own(registry):
    """A read may begin while another one goes on, in this thread or another one; both are kept for later."""
    reads = PlainReads(registry.home.registry_path)
    with reads.session() as one, reads.session() as other:
        assert one.rows("schema_version", {}) == other.rows("schema_version", {})
        assert one._connection is not other._connection

    assert len(reads.idle) == 2
    reads.close()
    assert not reads.idle


def test_two_columns_of_one_name_are_refused():
    """Rows have their columns as attributes, so all names of a statement differ."""
    assert all(len({name for name, _ in columns}) == len(columns) for _, columns in COMPILED.values())
