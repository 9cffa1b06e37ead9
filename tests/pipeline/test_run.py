"""Runs of pipelines and steps as they are read back; the records are made as their driver makes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from airflow_ml.core import Environment, Experiment, RunConfiguration, Workspace
from airflow_ml.exceptions import ActivityFailedException, UserErrorException
from airflow_ml.execution.artifacts import LOG_NAME, store_artifacts
from airflow_ml.execution.stores import Stores
from airflow_ml.graph import to_json
from airflow_ml.pipeline.core import Pipeline, PipelineRun, StepRun
from airflow_ml.pipeline.core._run_printing import say_created_steps
from airflow_ml.pipeline.steps import PythonScriptStep
from airflow_ml.registry import OutputRecord

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)


@pytest.fixture
def workspace(folder: Path) -> Workspace:
    """Create a workspace."""
    return Workspace.create("ml", show_output=False)


@pytest.fixture
def pipeline(workspace: Workspace, step: Callable[..., PythonScriptStep]) -> Pipeline:
    """Build a pipeline of the steps `one` and `two`, which is never reused."""
    config = RunConfiguration()
    config.environment = Environment("mine")
    config.environment.environment_variables = {"LEVEL": "0", "API_KEY": "hunter22"}
    config.environment_variables["LEVEL"] = "1"
    one, two = step("one", arguments=["--x", 1], runconfig=config), step("two", allow_reuse=False)
    two.run_after(one)
    return Pipeline(workspace, [two])


@pytest.fixture
def run(workspace: Workspace, pipeline: Pipeline) -> PipelineRun:
    """Record a run of the pipeline that is running."""
    record = workspace.registry().runs.open_pipeline(
        "e",
        "p",
        dag_id="d",
        dag_run_id="r",
        graph_json=to_json(pipeline.graph),
        status="Running",
        started_at=NOW,
        properties={"azureml.runsource": "azureml.PipelineRun", "azureml.pipelineid": "published"},
    )
    return PipelineRun(Experiment(workspace, "e"), record.id)


def begin(run: PipelineRun, name: str, status: str = "Running", **properties: str) -> StepRun:
    """Record an attempt at a step."""
    options = {"parent_id": run.id, "node_id": name, "status": status, "started_at": NOW, "properties": properties}
    record = run._registry.runs.create("e", name, kind="step", **options)
    return StepRun._of(run.experiment, record)


def end(run: PipelineRun | StepRun, status: str = "Completed", **options: object) -> None:
    """End a run as its driver does."""
    run._registry.runs.finish_step(run.id, status=status, **options)


def test_status_words_of_pipelines_and_steps(run):
    """They say Finished where the run history says Completed, and Running for what comes around it."""
    preparing, done, failed = begin(run, "a", "Preparing"), begin(run, "b"), begin(run, "c")
    end(done)
    end(failed, "Failed")

    assert [(found.get_status(), found.status) for found in (preparing, done, failed)] == [
        ("Running", "Preparing"),
        ("Finished", "Completed"),
        ("Failed", "Failed"),
    ]
    assert done.get_detailed_status() == {"status": "Finished", "details": None}


def test_steps_are_newest_first_and_found_by_name(run):
    """Right after the submit there are none; of a step that was tried again the last attempt is shown."""
    assert [*run.get_steps()] == [] == run.find_step_run("one")
    first = begin(run, "one")
    end(first, "Failed")
    again, two = begin(run, "one"), begin(run, "two")

    assert [*run.get_steps()] == [two, again]
    assert run.find_step_run("one") == [again]
    assert run.find_step_run("three") == []
    assert [*run.get_children()] == [two, again, first]
    assert (again.pipeline_run_id, again.parent, again.type) == (run.id, run, "azureml.StepRun")


def test_outputs_are_found_by_name(run):
    """By the step's output name, and by the pipeline's; what is not there is named."""
    step = begin(run, "one")
    kept = OutputRecord(
        *(step.id, "out", "pipeline_data", "workspaceblobstore", "azureml/x/out", False, "d", "m", 1, 1, NOW),
        pipeline_output_name="result",
    )
    end(step, outputs=[kept])

    [found] = step.get_outputs().values()
    data = run.get_pipeline_output("result")

    assert (found.name, found.step_run, found.pipeline_run_id) == ("out", step, run.id)
    assert step.get_output("out").get_port_data_reference().path_on_datastore == "azureml/x/out"
    assert (data.name, data.datastore_name, data._path_on_datastore) == ("out", "workspaceblobstore", "azureml/x/out")
    assert step.get_output_data("out").as_download("in").name == "in"
    with pytest.raises(UserErrorException, match="no output 'other'"):
        step.get_output_data("other")
    with pytest.raises(UserErrorException, match="no pipeline output 'other' yet"):
        run.get_pipeline_output("other")


def test_a_reused_step_says_where_it_comes_from(run):
    """v1's properties of a reused step are on the object, under v1's names."""
    properties = {"azureml.reusedrunid": "old", "azureml.reusednodeid": "n", "azureml.reusedpipeline": "p"}
    reused, fresh = begin(run, "one", **properties), begin(run, "two")

    assert (reused._is_reused, fresh._is_reused) == (True, False)
    assert (reused._reused_run_id, reused._reused_node_id, reused._reused_pipeline_run_id) == ("old", "n", "p")


def test_waiting_says_why_a_step_ran_or_from_where_it_was_taken(run, capsys):
    """The reason of the record is printed; a reused step passes no state and its old log is not streamed."""
    said = {"decision": "reused", "reason": "reused from old, saved 41 min"}
    reused = begin(run, "one", **{"azureml.isreused": "true", "azureml.reusedrunid": "old"})
    run._registry.runs.set_details(reused.id, {"reuse": said})
    fresh = begin(run, "two")
    run._registry.runs.set_details(fresh.id, {"reuse": {"decision": "ran", "reason": "ran: run.py changed"}})
    for step in (reused, fresh):
        (run_log := Path("log.txt")).write_text(f"log of {step.name}")
        store_artifacts(Stores(run._registry), step.id, {LOG_NAME: run_log})
        end(step)

    assert reused.wait_for_completion() == fresh.wait_for_completion() == "Finished"

    lines = capsys.readouterr().out.splitlines()
    assert lines.index("StepRun( one ) reused from old, saved 41 min") < lines.index("StepRun( one ) Status: Finished")
    assert "StepRun( two ) ran: run.py changed" in lines
    assert "log of two" in lines
    assert {"log of one", "StepRun( one ) Status: Running"}.isdisjoint(lines)
    assert reused.get_stdout_log() == "log of one"


@pytest.mark.parametrize(("mode", "is_eligible"), [("normal", True), (None, True), ("refresh", False), ("off", False)])
def test_submitting_says_which_steps_may_be_reused(run, mode, is_eligible, capsys):
    """v1's two sentences: by `allow_reuse` and by how the run uses results, whether there is one or not."""
    run._registry.runs.set_details(run.id, {} if mode is None else {"reuse": mode})
    say_created_steps(run)

    words = "is eligible to reuse a previous run's output" if is_eligible else "will run and generate new outputs"
    one, two = capsys.readouterr().out.splitlines()
    assert one.endswith(f", (This step {words})")
    assert two.endswith(", (This step will run and generate new outputs)")


def test_how_a_step_was_asked_for(run):
    """`runDefinition` has v1's keys, and the environment is an object; the pipeline itself has neither."""
    one = begin(run, "one")

    definition = one.get_details()["runDefinition"]

    assert (definition["script"], definition["arguments"], definition["nodeCount"]) == ("run.py", ["--x", "1"], 1)
    assert definition["environment"]["name"] == one.get_environment().name == "mine"
    assert definition["environment"]["environmentVariables"] == {"LEVEL": "1", "API_KEY": "***"}
    assert run.get_details()["runDefinition"] == {}
    with pytest.raises(UserErrorException, match="has one in each of its steps"):
        run.get_environment()


def test_a_run_is_saved_as_yaml_and_read_again(run, pipeline, workspace, folder):
    """In v1's places: a file, a folder's `pipeline.yml`, or that of the current folder."""
    (folder / "sub").mkdir()
    run.save()
    run.save("sub")
    run.save("other.yaml")

    for name in ("pipeline.yml", "sub/pipeline.yml", "other.yaml"):
        assert Pipeline.load_yaml(workspace, name).graph == run.get_graph() == pipeline.graph


def test_runs_of_a_published_pipeline(run, workspace):
    """They are those that have its id."""
    assert PipelineRun.get_pipeline_runs(workspace, "published") == [run]
    assert PipelineRun.get_pipeline_runs(workspace, "other") == []


def test_publishing_takes_the_code_of_the_run(run, pipeline):
    """A run without its code is not published; an unknown argument is v1's ValueError."""
    with pytest.raises(ValueError, match="unknown argument 'colour'"):
        run.publish_pipeline("n", "d", "1", colour="red")
    with pytest.raises(UserErrorException, match="the code of step 'one' was not kept"):
        run.publish_pipeline("n", "d", "1")

    snapshot = pipeline.publish().get_graph().steps[0].snapshot
    taken = {name: {"id": snapshot.id} for name in ("one", "two")}
    run._registry.runs.set_details(run.id, {"snapshots": taken})
    published = run.publish_pipeline("n", "d", "1", True, enable_email_notification=True)

    assert (published.name, published.version, published.get_step_names()) == ("n", "1", ["one", "two"])


def test_children_are_the_scripts_to_start(run):
    """child_run, complete and fail of both kinds raise NotImplementedError (v1)."""
    for found in (run, begin(run, "one")):
        for call in (found.child_run, found.complete, found.fail):
            with pytest.raises(NotImplementedError):
                call()


def test_a_step_has_its_log_under_v1s_names(run, folder):
    """One file holds both streams; v1's three methods, keys and file names give it."""
    step = begin(run, "one")
    (folder / "log").write_text("said\n")
    store_artifacts(Stores(step._registry), step.id, {LOG_NAME: folder / "log"})

    assert step.get_stdout_log() == step.get_stderr_log() == step.get_job_log() == "said\n"
    assert step.get_details_with_logs()["logFiles"] == {
        LOG_NAME: "said\n",
        "STDOUT": "said\n",
        "STDERR": "said\n",
        "JOBLOG": "said\n",
    }
    for name in ("logs/azureml/stdoutlogs.txt", "azureml-logs/70_driver_log.txt", LOG_NAME):
        step.download_file(name)
        assert (folder / name.rpartition("/")[2]).read_text() == "said\n"
    with pytest.raises(UserErrorException, match="does not exist"):
        step.download_file("other.txt")


def test_waiting_prints_each_step_and_the_summary(run, capsys, folder):
    """v1's lines, in its order; a quiet wait prints the id alone."""
    step = begin(run, "one")
    (folder / "log").write_text("said\n")
    store_artifacts(Stores(step._registry), step.id, {LOG_NAME: folder / "log"})
    end(step)
    end(run)

    assert run.wait_for_completion() == "Finished"
    loud = capsys.readouterr().out
    assert run.wait_for_completion(show_output=False) == "Finished"
    assert capsys.readouterr().out.splitlines()[0] == f"PipelineRunId: {run.id}"

    expected = [
        f"PipelineRunId: {run.id}",
        "PipelineRun Status: Running",
        f"StepRunId: {step.id}",
        "StepRun( one ) Status: Running",
        f"Streaming {LOG_NAME}",
        "said",
        "StepRun(one) Execution Summary",
        "StepRun( one ) Status: Finished",
        "PipelineRun Execution Summary",
        "PipelineRun Status: Finished",
        f"{{'runId': '{run.id}',",
    ]
    assert [line for line in loud.splitlines() if line in expected] == expected


def test_a_failure_is_raised_or_printed(run, capsys):
    """As JSON, in v1's form."""
    error = {"code": "StepFailedError", "message": "it broke", "step": "one"}
    end(run, "Failed", error=error)

    with pytest.raises(ActivityFailedException, match="failed: it broke") as caught:
        run.wait_for_completion()
    raised = capsys.readouterr().out
    assert run.wait_for_completion(raise_on_error=False) == "Failed"

    assert json.loads(caught.value.error_details) == {"error": error}
    assert "it broke" not in raised
    assert '"message": "it broke"' in capsys.readouterr().out


def test_a_wait_that_is_over_returns_the_status(run, capsys):
    """v1 does not raise: it says that the time is over, and the run goes on."""
    step = begin(run, "one")

    assert run.wait_for_completion(timeout_seconds=0.01) == "Running"
    assert step.wait_for_completion(timeout_seconds=0.01) == "Running"
    assert capsys.readouterr().out.count("Timed out of waiting. Elapsed time:") == 2
