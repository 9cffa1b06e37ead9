"""What runs leave behind: outputs, files, inputs, and all of it in one moment."""

import dataclasses
import signal
import subprocess
import sys

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.registry import (
    ArtifactRecord,
    DatasetRegistration,
    OutputRecord,
    RunInputRecord,
    RunStateError,
    open_registry,
)
from airflow_ml.registry.values import utc_now

DEFINITION = {"kind": "file", "sources": [{"datastore": "workspaceblobstore", "path": "azureml/run/model/"}]}


def make_output(run_id, name="model", **changes):
    """Return an output as a commit would record it."""
    output = OutputRecord(
        run_id=run_id,
        name=name,
        kind="pipeline_data",
        datastore="workspaceblobstore",
        path=f"azureml/{run_id}/{name}",
        is_file=False,
        digest="d" * 64,
        manifest_path=f"azureml/{run_id}/{name}/.manifest.json",
        files=3,
        size=2**40,
        committed_at=utc_now(),
    )
    return dataclasses.replace(output, **changes)


@pytest.fixture
def run(registry):
    """Record a run that is going on."""
    return registry.runs.create("e", "run", kind="script", status="Running")


def test_a_run_ends_with_all_its_results(registry, run):
    """Outputs, files, registered datasets and the status are there together."""
    output = make_output(run.id)
    log = ArtifactRecord(run.id, "user_logs/std_log.txt", "workspaceartifactstore", "runs/std_log.txt", 10)
    wanted = DatasetRegistration("model", "digits model", DEFINITION, "d", {"a": "b"})

    ended = registry.runs.finish_step(
        run.id, status="Completed", outputs=[output], artifacts=[log], registrations=[wanted]
    )

    assert (ended.status, ended.ended_at is not None) == ("Completed", True)
    named = dataclasses.replace(output, dataset_name="digits model", dataset_version=1)
    assert list(registry.outputs.of(run.id)) == [named] == [registry.outputs.get(run.id, "model")]
    assert list(registry.artifacts.list(run.id)) == [log]
    assert registry.datasets.by_name("digits model").definition == DEFINITION


def test_an_ending_that_fails_leaves_nothing(registry, run):
    """If one part cannot be recorded, none is, and the run is open as before."""
    wanted = DatasetRegistration("table", "digits", DEFINITION)

    with pytest.raises(UserErrorException, match=r"output 'table' is to be registered.*was not committed"):
        registry.runs.finish_step(run.id, status="Completed", outputs=[make_output(run.id)], registrations=[wanted])

    assert registry.runs.get(run.id) == run
    assert list(registry.outputs.of(run.id)) == []
    assert list(registry.datasets.list()) == []


def test_a_rerun_that_changed_nothing_registers_no_version(registry):
    """An output whose definition is the latest version already points at that version."""
    wanted = DatasetRegistration("model", "digits", DEFINITION)
    runs = [registry.runs.create("e", "run", kind="script") for _ in range(2)]

    for run in runs:
        registry.runs.finish_step(run.id, status="Completed", outputs=[make_output(run.id)], registrations=[wanted])

    assert [registry.outputs.get(run.id, "model").dataset_version for run in runs] == [1, 1]


def test_only_a_final_status_ends_a_run(registry, run):
    """Ending a run needs a word for how it ended."""
    with pytest.raises(UserErrorException, match="'Running' ends no run"):
        registry.runs.finish_step(run.id, status="Running")


KILLED = """
import sys
from sqlalchemy import event
from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import ArtifactRecord, open_registry
registry = open_registry(WorkspaceRef(sys.argv[1], registry_url=sys.argv[2] or None))
run_id = sys.argv[3]

def stop_before_the_status(connection, cursor, statement, *rest):
    if statement.startswith("UPDATE aml_runs"):
        print("in the middle", flush=True)
        sys.stdin.read()

event.listen(registry._scope.database.engine, "before_cursor_execute", stop_before_the_status)
files = [ArtifactRecord(run_id, f"file {number}", "s", "p", 1) for number in range(100)]
registry.runs.finish_step(run_id, status="Completed", artifacts=files)
"""


def test_a_process_killed_in_the_middle_leaves_nothing_half_written(registry, ref, run):
    """A kill between the rows of a transaction leaves the run open, without files, and ready to be ended."""
    command = [sys.executable, "-c", KILLED, ref.name, ref.registry_url or "", run.id]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout.readline() == "in the middle\n"
        before = registry.runs.get(run.id), registry.artifacts.list(run.id)
        victim.send_signal(signal.SIGKILL)

    with open_registry(ref) as reopened:
        assert before == (run, [])
        assert (reopened.runs.get(run.id), reopened.artifacts.list(run.id)) == before
        assert reopened.runs.finish_step(run.id, status="Failed").status == "Failed"


def test_results_of_another_run_are_refused(registry, run):
    """A record that names another run is a mistake of the caller."""
    with pytest.raises(UserErrorException, match="is of run 'other'"):
        registry.outputs.add(run.id, [make_output("other")])


def test_an_output_that_was_not_committed_is_named(registry, run):
    """The error says which outputs the run has."""
    registry.outputs.add(run.id, [make_output(run.id, "a"), make_output(run.id, "b")])

    assert registry.outputs.find(run.id, "c") is None
    with pytest.raises(UserErrorException, match=r"no output 'c' was committed; its outputs are \['a', 'b'\]"):
        registry.outputs.get(run.id, "c")


def test_files_are_replaced_and_found_by_prefix(registry, run):
    """A file of the same name is replaced; a prefix is plain text, upper and lower case apart."""
    names = ["outputs/a.png", "outputs/b.png", "Outputs/c.png", "logs/100%_[x].txt"]
    registry.artifacts.add(run.id, [ArtifactRecord(run.id, name, "s", name, 1) for name in names])
    registry.artifacts.add(run.id, [ArtifactRecord(run.id, "outputs/a.png", "s", "elsewhere", 2)])

    assert [file.path for file in registry.artifacts.list(run.id, "outputs/")] == ["elsewhere", "outputs/b.png"]
    assert [file.name for file in registry.artifacts.list(run.id, "logs/100%_[")] == ["logs/100%_[x].txt"]
    assert registry.artifacts.get(run.id, "outputs/a.png").size == 2
    with pytest.raises(UserErrorException, match=r"file 'no\.txt' does not exist"):
        registry.artifacts.get(run.id, "no.txt")


def test_inputs_tell_where_data_came_from(registry, run):
    """What a run consumed is found by run, by dataset and by the run that made it."""
    producer = registry.runs.create("e", "producer", kind="script")
    dataset_id = registry.datasets.save(DEFINITION)
    raw = RunInputRecord(run.id, "raw", "mount", "dataset", dataset_id, "digits", 3, digest="d")
    table = RunInputRecord(
        run.id, "table", "download", "output", producer_run_id=producer.id, producer_output="t", datastore="s", path="p"
    )

    registry.inputs.record(run.id, [table, raw])

    assert list(registry.inputs.of(run.id)) == [raw, table]
    assert list(registry.inputs.of_dataset(dataset_id)) == [raw]
    assert list(registry.inputs.of_producer(producer.id)) == [table]


def test_a_final_run_takes_no_results(registry, run):
    """Outputs, files, inputs and metrics belong to the record, so they come before the end."""
    registry.runs.set_status(run.id, "Canceled")

    for add, records in (
        (registry.outputs.add, [make_output(run.id)]),
        (registry.artifacts.add, [ArtifactRecord(run.id, "a", "s", "p", 1)]),
        (registry.inputs.record, [RunInputRecord(run.id, "raw", "mount", "dataset")]),
    ):
        with pytest.raises(RunStateError, match="refused, because the run is Canceled"):
            add(run.id, records)
