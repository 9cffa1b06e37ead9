"""`Experiment.submit` without a service: runs that a process of their own drives."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.core import Experiment, Workspace
from airflow_ml.exceptions import ActivityFailedException, AzureMLException
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter, PipelineRun
from airflow_ml.pipeline.steps import PythonScriptStep

pytestmark = pytest.mark.airflow

#: Steps of the long pipeline: a few in every run of the tests, many by `make soak`.
MANY = 200 if os.environ.get("AIRFLOW_ML_SOAK") else 12


@pytest.fixture
def workspace(project: Path) -> Workspace:
    """Create a workspace in a home of the test's own."""
    return Workspace.create("w")


@pytest.fixture
def script(workspace: Workspace) -> Callable[..., PythonScriptStep]:
    """Write a script and return its step."""

    def make(source: str, *arguments: object, name: str = "step", **options: object) -> PythonScriptStep:
        Path("src").mkdir(exist_ok=True)
        Path("src", f"{name}.py").write_text(textwrap.dedent(source), encoding="utf-8")
        return PythonScriptStep(f"{name}.py", name, list(arguments), source_directory="src", **options)

    return make


@pytest.fixture
def submit(workspace: Workspace) -> Callable[..., PipelineRun]:
    """Submit steps as a pipeline of the experiment `e`."""
    return lambda *steps, **options: Experiment(workspace, "e").submit(Pipeline(workspace, list(steps)), **options)


def test_a_submitted_pipeline_runs_and_prints_as_v1_did(script, submit, capsys, tmp_path, check_nothing_is_left):
    """Submit returns at once; waiting prints v1's lines and the scripts' output; results are found by name."""
    data, model = PipelineData("data"), PipelineData("model", pipeline_output_name="the model")
    first = script("import sys; open(sys.argv[1], 'w').write('x'); print('said 1')", data, outputs=[data], name="one")
    second = script(
        """
        import os, sys
        from azureml.core import Run
        os.makedirs(sys.argv[2]); open(sys.argv[2] + "/weights", "w").write("w")
        Run.get_context().log("loss", 0.5)
        print("said 2", sys.argv[3:])
        """,
        *(data, model, PipelineParameter("text", "x"), PipelineParameter("none", "x")),
        inputs=[data],
        outputs=[model],
        name="two",
    )
    begun = time.monotonic()
    run = submit(second, first, pipeline_parameters={"text": "", "none": None}, tags={"a": "b"})
    took = time.monotonic() - begun

    assert run.wait_for_completion(show_output=True) == "Finished"

    assert took < 5
    check_what_was_printed(run, capsys.readouterr().out)
    check_words_of_the_run(run)
    check_words_of_the_second_step(run, tmp_path)
    check_nothing_is_left(run)


def check_what_was_printed(run: PipelineRun, printed: str) -> None:
    """See v1's lines, and the scripts' output in the order of the steps."""
    for line in (
        "Created step one [one][",
        "], (This step is eligible to reuse a previous run's output)",
        f"Submitted PipelineRun {run.id}",
        f"PipelineRunId: {run.id}",
        "PipelineRun Status: Running",
        "StepRun( one ) Status: Running",
        "said 1",
        "said 2 ['', 'None']",
        "StepRun(two) Execution Summary",
        "PipelineRun Execution Summary",
        "PipelineRun Status: Finished",
    ):
        assert line in printed
    assert printed.index("said 1") < printed.index("said 2")


def check_words_of_the_run(run: PipelineRun) -> None:
    """See steps, tags, files, details and properties of the pipeline's run under v1's names."""
    assert [step.name for step in run.get_steps()] == ["two", "one"]
    assert run.find_step_run("three") == []
    assert run.tags["a"] == "b"
    assert "logs/azureml/executionlogs.txt" in run.get_file_names()
    assert {"runId", "status", "startTimeUtc", "endTimeUtc", "properties", "logFiles"} <= run.get_details().keys()
    assert {"azureml.runsource", "runSource", "runType", "azureml.parameters"} <= run.properties.keys()


def check_words_of_the_second_step(run: PipelineRun, folder: Path) -> None:
    """See metrics, outputs, log, tags, properties and snapshot of a step's run under v1's names."""
    [two] = run.find_step_run("two")
    assert two.get_metrics() == {"loss": 0.5}
    assert (two.get_status(), two.status) == ("Finished", "Completed")
    for reference in (two.get_output_data("model"), run.get_pipeline_output("the model")):
        assert reference.download(str(folder / "back"), overwrite=True) == 1
        assert Path(folder, "back", reference.path_on_datastore, "weights").read_text() == "w"
    assert {"StepType", "ContentSnapshotId", "azureml.moduleid", "azureml.pipelinerunid"} <= two.properties.keys()
    assert two.tags == {"azureml.nodeid": "two", "azureml.pipeline": run.id}
    assert two.get_details_with_logs()["logFiles"]["user_logs/std_log.txt"].startswith("said 2")
    assert two.restore_snapshot(path=str(folder / "code")).endswith(f"{two.get_snapshot_id()}.zip")


def test_two_at_once_both_complete_and_a_failure_is_told(script, submit, check_nothing_is_left):
    """Runs do not disturb each other; a failing step fails its run alone, in words that name step and script."""
    bad = submit(script("raise SystemExit(3)", name="bad"), script("pass", name="other"))
    good, also = submit(script("pass", name="good")), submit(script("pass", name="good"))

    with pytest.raises(ActivityFailedException) as caught:
        bad.wait_for_completion(show_output=False)

    assert "step 'bad': script 'bad.py' ended with exit code 3" in str(caught.value)
    assert json.loads(caught.value.error_details)["error"]["step"] == "bad"
    assert bad.wait_for_completion(show_output=False, raise_on_error=False) == "Failed"
    assert bad.get_details()["error"]["error"]["code"] == "StepFailedError"
    assert (good.wait_for_completion(False), also.wait_for_completion(False)) == ("Finished", "Finished")
    for run in (bad, good, also):
        check_nothing_is_left(run)


def test_cancel_stops_what_runs_and_starts_nothing_more(script, submit, gate, check_nothing_is_left):
    """A canceled run ends as Canceled: its script is stopped, other steps are not started."""
    later = script("pass", name="later")
    first = script(gate.script, name="first")
    later.run_after(first)
    run = submit(first, later)
    early = submit(script("pass", name="early"))
    early.cancel()
    gate.wait()

    run.cancel()

    assert run.wait_for_completion(show_output=False) == "Canceled"
    assert [step.get_status() for step in run.get_steps()] == ["Canceled"]
    assert early.wait_for_completion(show_output=False) == "Canceled"
    assert not list(early.get_steps())
    run.cancel()
    check_nothing_is_left(run)


WAITER = """
import sys
from airflow_ml.core import Workspace
from airflow_ml.pipeline.core import PipelineRun
run = PipelineRun.get(Workspace.get("w"), sys.argv[1])
run.wait_for_completion(show_output=True)
"""


def test_ctrl_c_cancels_cleanly(script, submit, gate, check_nothing_is_left):
    """Ctrl-C while waiting cancels the run and waits until nothing of it runs."""
    run = submit(script(gate.script))
    waiter = subprocess.Popen(
        [sys.executable, "-u", "-c", WAITER, run.id],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that a shell has put into the background ignore Ctrl-C, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    gate.wait()
    for line in waiter.stdout:
        if "StepRun( step ) Status: Running" in line:
            break

    waiter.send_signal(signal.SIGINT)
    out, err = waiter.communicate(timeout=60)

    assert "canceling run" in out
    assert "KeyboardInterrupt" in err
    assert run.get_status() == "Canceled"
    check_nothing_is_left(run)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_driver_that_is_ended_leaves_nothing(script, submit, gate, number, driver_of, check_nothing_is_left):
    """SIGTERM to the driver cancels the run; after kill -9 it is Failed in words; no orphan in either case."""
    run = submit(script(gate.script))
    gate.wait()

    os.kill(driver_of(run), number)
    status = run.wait_for_completion(show_output=False, raise_on_error=False)

    if number == signal.SIGTERM:
        assert status == "Canceled"
    else:
        assert status == "Failed"
        assert "the process that ran the pipeline died" in run.get_details()["error"]["error"]["message"]
        assert run.find_step_run("step")[0].get_status() == "Failed"
    assert "logs/azureml/executionlogs.txt" in run.get_file_names()
    check_nothing_is_left(run)


@pytest.mark.parametrize(
    ("values", "words"),
    [({"nn": 1}, "has no parameter 'nn'; it declares: n"), ({"n": "five"}, "'five' is a str"), ({"n": True}, "bool")],
)
def test_a_wrong_parameter_raises_at_submit(script, submit, workspace, values, words):
    """Unknown names and wrong types are exceptions of submit, and no run is recorded."""
    with pytest.raises(AzureMLException, match=words):
        submit(script("pass", PipelineParameter("n", 3)), pipeline_parameters=values)

    assert not list(Experiment(workspace, "e").get_runs())


def test_a_cycle_raises_at_submit(script, submit, workspace):
    """A pipeline in a circle cannot be submitted."""
    one, two = script("pass", name="one"), script("pass", name="two")
    one.run_after(two)
    two.run_after(one)

    with pytest.raises(ValueError, match="cycle"):
        submit(one, two)


def test_a_machines_failure_is_tried_again_soon(script, submit):
    """A step that fails by storage's fault is tried again after two seconds, and the run completes."""
    source = """
    import os, sys
    open(sys.argv[1], "w").write("x")
    store = os.path.join(os.environ["AIRFLOW_ML_HOME"], "w", "stores", "workspaceblobstore")
    if not os.path.exists(store + ".was"):
        os.makedirs(store, exist_ok=True)
        os.rename(store, store + ".was")
        open(store, "w").close()
    elif os.path.isfile(store):
        os.remove(store)
    """
    out = PipelineData("out")
    run = submit(script(source, out, outputs=[out]))

    assert run.wait_for_completion(show_output=False) == "Finished"

    first, second = sorted(run._registry.runs.attempts(run.id, "step"), key=lambda record: record.attempt)
    assert (first.status, second.status) == ("Failed", "Completed")
    assert 1 < (second.started_at - first.ended_at).total_seconds() < 9


@pytest.mark.soak
def test_many_steps_complete(script, submit):
    """A chain of many trivial steps completes, each one after the one before it."""
    steps = []
    for number in range(MANY):
        steps.append(script("pass", name=f"s{number}"))
        if number:
            steps[-1].run_after(steps[-2])

    run = submit(steps[-1])

    assert run.wait_for_completion(show_output=False) == "Finished"
    assert [step.name for step in run.get_steps()] == [f"s{number}" for number in reversed(range(MANY))]
