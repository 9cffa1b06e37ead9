"""`Experiment.submit(ScriptRunConfig)` without a service: a script that a process of its own drives."""

from __future__ import annotations

import os
import signal
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.core import Experiment, RunConfiguration, ScriptRun, ScriptRunConfig, Workspace
from airflow_ml.exceptions import ActivityFailedException

pytestmark = pytest.mark.airflow


@pytest.fixture
def experiment(project: Path) -> Experiment:
    """Create a workspace in a home of the test's own, and an experiment in it."""
    return Experiment(Workspace.create("w"), "e")


@pytest.fixture
def config() -> Callable[..., ScriptRunConfig]:
    """Write a script and return its configuration."""

    def make(source: str, *arguments: object, **options: object) -> ScriptRunConfig:
        Path("src").mkdir(exist_ok=True)
        Path("src", "train.py").write_text(textwrap.dedent(source), encoding="utf-8")
        return ScriptRunConfig("src", "train.py", list(arguments), **options)

    return make


def test_a_submitted_script_runs_and_prints_as_v1_did(experiment, config, capsys, check_nothing_is_left):
    """Submit returns at once; waiting streams the script's output and returns the details; the run is one record."""
    source = """
    import os, sys
    from azureml.core import Run
    run = Run.get_context()
    run.log("loss", float(sys.argv[1]))
    os.makedirs("outputs")
    open("outputs/id.txt", "w").write(run.id)
    print("said", sys.argv[1:], os.environ["A"])
    """
    script = config(source, 0.5, None, run_config=RunConfiguration())
    script.run_config.environment_variables["A"] = "b"
    begun = time.monotonic()
    run = experiment.submit(script, tags={"k": "v"})
    took = time.monotonic() - begun

    details = run.wait_for_completion(show_output=True)

    printed = capsys.readouterr().out
    assert took < 5
    assert isinstance(run, ScriptRun)
    assert "said ['0.5', 'None'] b" in printed
    assert printed.startswith(f"RunId: {run.id}\n")
    assert (details["runId"], details["status"], details["target"]) == (run.id, "Completed", "local")
    assert details["runDefinition"]["script"] == "train.py"
    assert (run.get_status(), run.type, run.get_metrics(), run.get_tags()["k"]) == (
        *("Completed", "azureml.scriptrun"),
        *({"loss": 0.5}, "v"),
    )
    assert {"outputs/id.txt", "user_logs/std_log.txt"} <= {*run.get_file_names()}
    run.download_file("outputs/id.txt", "id.txt")
    assert Path("id.txt").read_text() == run.id
    [listed] = experiment.get_runs(type="azureml.scriptrun")
    assert (listed, type(listed)) == (run, ScriptRun)
    check_nothing_is_left(run)


def test_a_failing_child_is_told_and_leaves_its_parent_alone(experiment, config, check_nothing_is_left):
    """`submit_child` starts a run below another; its failure is its own, with v1's exception."""
    parent = experiment.start_logging()
    child = parent.submit_child(config("raise SystemExit(3)"), tags={"number": "1"})

    with pytest.raises(ActivityFailedException, match=r"script 'train.py' ended with exit code 3"):
        child.wait_for_completion()

    assert (child.status, child.parent, child.get_tags()) == ("Failed", parent, {"number": "1"})
    assert ([*parent.get_children()], parent.status) == ([child], "Running")
    assert child.get_details()["error"]["error"]["code"] == "StepFailedError"
    check_nothing_is_left(child)


def test_cancel_stops_what_runs_and_starts_nothing_more(experiment, config, gate, check_nothing_is_left):
    """A run that is canceled while its script runs, or before it is started, ends as Canceled without an error."""
    run = experiment.submit(config(gate.script))
    early = experiment.submit(config("pass"))
    early.cancel()
    gate.wait()

    run.cancel()

    for canceled in (run, early):
        details = canceled.wait_for_completion()
        assert (details["status"], canceled.get_status()) == ("Canceled", "Canceled")
        check_nothing_is_left(canceled)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_driver_that_is_ended_leaves_nothing(experiment, config, gate, number, driver_of, check_nothing_is_left):
    """SIGTERM to the driver cancels the run; after kill -9 it is Failed in words; no orphan in either case."""
    run = experiment.submit(config(gate.script))
    gate.wait()

    os.kill(driver_of(run), number)
    details = run.wait_for_completion(raise_on_error=False)

    if number == signal.SIGTERM:
        assert details["status"] == "Canceled"
    else:
        assert details["status"] == "Failed"
        assert "the process that ran the script died" in details["error"]["error"]["message"]
    check_nothing_is_left(run)
