"""The example of a pipeline inside a larger DAG: what its later tasks do in each case."""

import pytest

from airflow_ml.core import Workspace
from airflow_ml.pipeline.core import PipelineRun

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("nested_task_group")]

STEPS = ("collect", "check", "summarise")


def states_of_steps(ran: dict) -> dict[str, str]:
    """Return the states of the pipeline's steps."""
    return {name: ran["tasks"][f"refresh.{name}"] for name in STEPS}


def later_tasks(ran: dict) -> dict[str, str]:
    """Return the states of the tasks behind the pipeline."""
    return {name: ran["tasks"][name] for name in ("report", "alert", "clean_up")}


@pytest.fixture
def newest_run(shared_home, monkeypatch):
    """Return a function that finds the pipeline run of the newest DAG run."""
    monkeypatch.setenv("AIRFLOW_ML_HOME", str(shared_home))

    def find() -> PipelineRun:
        return next(Workspace.get("digits").experiments["nested_task_group"].get_runs())

    return find


def test_behind_steps_that_ran_all_is_done(examples, newest_run):
    """After a pipeline whose steps have run, the report has its numbers and nobody is alarmed."""
    ran = examples.run("nested_task_group", {"reuse": "refresh"})

    assert ran["state"] == "success", ran["log"]
    assert states_of_steps(ran) == dict.fromkeys(STEPS, "success")
    assert later_tasks(ran) == {"report": "success", "alert": "skipped", "clean_up": "success"}
    mean = newest_run().find_step_run("summarise")[0].get_metrics()["mean"]
    assert 12 < mean < 23
    assert ran["xcoms"]["report:return_value"] == f"mean: {mean}"


def test_behind_reused_steps_all_is_done(examples, newest_run):
    """After a pipeline whose steps were skipped because their results are reused, the same tasks run."""
    first = examples.run("nested_task_group")

    ran = examples.run("nested_task_group")

    assert states_of_steps(ran) == dict.fromkeys(STEPS, "skipped"), ran["log"]
    assert ran["tasks"]["refresh.pipeline_end"] == "success"
    assert newest_run().get_status() == "Finished"
    assert later_tasks(ran) == {"report": "success", "alert": "skipped", "clean_up": "success"}
    assert ran["xcoms"]["report:return_value"] == first["xcoms"]["report:return_value"]
    assert ran["state"] == "success"


def test_behind_a_branch_not_taken_all_is_done(examples):
    """Where the branch leads around the pipeline, no step runs, and the tasks behind both branches do."""
    ran = examples.run("nested_task_group", {"has_news": False})

    assert states_of_steps(ran) == dict.fromkeys(STEPS, "skipped"), ran["log"]
    assert ran["tasks"]["refresh.pipeline_end"] == "skipped"
    assert later_tasks(ran) == {"report": "success", "alert": "skipped", "clean_up": "success"}
    assert ran["xcoms"]["report:return_value"] == "as yesterday"
    assert ran["state"] == "success"


def test_behind_a_failed_step_run_those_that_say_so(examples, newest_run):
    """After a failed step the alert and the cleaning up run, the report does not, and the DAG run has failed."""
    ran = examples.run("nested_task_group", {"hottest": 1, "reuse": "refresh"})

    assert states_of_steps(ran) == {"collect": "success", "check": "failed", "summarise": "upstream_failed"}
    assert "the sensor is broken" in ran["log"]
    assert later_tasks(ran) == {"report": "upstream_failed", "alert": "success", "clean_up": "success"}
    assert ran["state"] == "failed"
    assert newest_run().get_status() == "Failed"
