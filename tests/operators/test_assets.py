"""Datasets as Airflow assets: which events steps send that register datasets."""

from __future__ import annotations

import pytest

from airflow_ml.core import Workspace

pytestmark = pytest.mark.airflow

URI = "datastore://w/datasets/clean%20data"
WRITE = "import pathlib, sys; pathlib.Path(sys.argv[1], 'a.csv').write_text('1')"

PIPELINE = """
out = OutputFileDatasetConfig("out").register_on_complete("clean data")
dag = Pipeline(ws, [step("write.py", out, name="write", allow_reuse={reuse})]).to_dag("assets")
"""


@pytest.fixture
def writer(dags):
    """Write the script of a step that writes one file."""
    dags.script("write.py", WRITE)
    return dags


def test_registration_is_an_event_with_version_and_run(writer):
    """A step that registers its output sends one event of the dataset's asset, each time with the new version."""
    source = PIPELINE.format(reuse=False)
    first, second = writer.run(source), writer.run(source)

    assert [first.state, second.state] == ["success", "success"], second.log
    for ran, version in ((first, 1), (second, 2)):
        step = ran.answer["xcoms"]["write:return_value"]
        told = {"dataset": "clean data", "version": version}
        told |= {"run_id": step["step_run_id"], "pipeline_run_id": step["pipeline_run_id"]}
        assert ran.answer["events"] == [["write", URI, told]]


def test_a_reused_step_sends_no_event(writer):
    """With reuse there is no new version, and nobody is told of one."""
    source = PIPELINE.format(reuse=True)
    writer.run(source)

    ran = writer.run(source)

    assert (ran.tasks["write"], ran.answer["events"]) == ("skipped", [])
    assert Workspace.get("w").registry().datasets.by_name("clean data").version == 1


def test_a_reused_step_that_registers_a_new_name_sends_an_event(writer):
    """A result that becomes a dataset for the first time is news, although its step need not run."""
    writer.run(PIPELINE.format(reuse=True).replace('.register_on_complete("clean data")', ""))

    ran = writer.run(PIPELINE.format(reuse=True))

    assert ran.tasks["write"] == "skipped", ran.log
    [[task, uri, extra]] = ran.answer["events"]
    assert (task, uri, extra["version"]) == ("reuse_check", URI, 1)


def test_steps_written_by_hand_send_events_too(writer):
    """An operator written by hand, mapped or not, sends an event for each version that it registers."""
    ran = writer.run(
        """
        def out(name):
            return OutputFileDatasetConfig("out").register_on_complete(name)
        with DAG("by_hand") as dag:
            kept = {"workspace": ws, "script_name": "write.py", "source_directory": "src", "allow_reuse": False}
            one, many = out("one"), out("many")
            PythonScriptStepOperator(task_id="one", arguments=[one], **kept)
            PythonScriptStepOperator.partial(task_id="many", **kept).expand(arguments=[[many, 1], [many, 2]])
        """
    )

    assert ran.state == "success", ran.log
    assert sorted((task, uri.rpartition("/")[2], extra["version"]) for task, uri, extra in ran.answer["events"]) == [
        ("many", "many", 1),
        ("many", "many", 2),
        ("one", "one", 1),
    ]


def test_a_dag_file_is_scheduled_on_a_dataset_without_a_look_at_the_registry(writer):
    """`get_by_name(...).as_asset()` in a DAG file is the asset, whether the dataset exists or not."""
    kept = writer.serialize('dag = DAG("later", schedule=Dataset.get_by_name(ws, "clean data").as_asset())')

    assert URI in str(kept["dag"]["timetable"])
