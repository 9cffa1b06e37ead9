"""`Experiment.submit(ScriptRunConfig)` without a service: a script that a process of its own drives."""

from __future__ import annotations

import os
import select
import signal
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.core import Experiment, Run, RunConfiguration, ScriptRun, ScriptRunConfig, Workspace
from airflow_ml.exceptions import ActivityFailedException

pytestmark = pytest.mark.airflow


@pytest.fixture(scope="module")
def airflow_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the machine's empty Airflow database, so that it is made once for all tests."""
    return tmp_path_factory.mktemp("airflow")


@pytest.fixture
def experiment(home: Path, airflow_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    """Create a workspace in a home of the test's own, and an experiment in it."""
    (home / "airflow").symlink_to(airflow_folder)
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    return Experiment(Workspace.create("w"), "e")


@pytest.fixture
def config() -> Callable[..., ScriptRunConfig]:
    """Write a script and return its configuration."""

    def make(source: str, *arguments: object, **options: object) -> ScriptRunConfig:
        Path("src").mkdir(exist_ok=True)
        Path("src", "train.py").write_text(textwrap.dedent(source), encoding="utf-8")
        return ScriptRunConfig("src", "train.py", list(arguments), **options)

    return make


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    """Make a named pipe by which a script says that it runs."""
    os.mkfifo(tmp_path / "gate")
    return tmp_path / "gate"


def waiting(gate: Path) -> str:
    """Return a script that says that it runs, and then waits until it is killed."""
    return f"import os, signal; os.write(os.open({str(gate)!r}, os.O_WRONLY), b'x'); signal.pause()"


def wait_until_it_runs(gate: Path) -> None:
    """Wait for a script of `waiting`."""
    descriptor = os.open(gate, os.O_RDWR)
    assert select.select([descriptor], [], [], 120)[0], "the script was not started"
    os.close(descriptor)


def processes_of(run_id: str) -> dict[int, bytes]:
    """Return the command lines of the processes that have a run's id in command line or environment."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:
            continue
        if run_id.encode() in command + environment and int(folder.name) != os.getpid():
            found[int(folder.name)] = command
    return found


def check_nothing_is_left(run: Run) -> None:
    """See that neither a process nor a folder of the run is left."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and processes_of(run.id):
        time.sleep(0.05)  # the driver may still be on its way out
    assert not processes_of(run.id)
    home = run._registry.home
    assert not [folder for folder in (*home.runs.iterdir(), *home.drivers.iterdir()) if folder.name == run.id]


def test_a_submitted_script_runs_and_prints_as_v1_did(experiment, config, capsys):
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


def test_a_failing_child_is_told_and_leaves_its_parent_alone(experiment, config):
    """`submit_child` starts a run below another; its failure is its own, with v1's exception."""
    parent = experiment.start_logging()
    child = parent.submit_child(config("raise SystemExit(3)"), tags={"number": "1"})

    with pytest.raises(ActivityFailedException, match=r"script 'train.py' ended with exit code 3"):
        child.wait_for_completion()

    assert (child.status, child.parent, child.get_tags()) == ("Failed", parent, {"number": "1"})
    assert ([*parent.get_children()], parent.status) == ([child], "Running")
    assert child.get_details()["error"]["error"]["code"] == "StepFailedError"
    check_nothing_is_left(child)


def test_cancel_stops_what_runs_and_starts_nothing_more(experiment, config, gate):
    """A run that is canceled while its script runs, or before it is started, ends as Canceled without an error."""
    run = experiment.submit(config(waiting(gate)))
    early = experiment.submit(config("pass"))
    early.cancel()
    wait_until_it_runs(gate)

    run.cancel()

    for canceled in (run, early):
        details = canceled.wait_for_completion()
        assert (details["status"], canceled.get_status()) == ("Canceled", "Canceled")
        check_nothing_is_left(canceled)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_driver_that_is_ended_leaves_nothing(experiment, config, gate, number):
    """SIGTERM to the driver cancels the run; after kill -9 it is Failed in words; no orphan in either case."""
    run = experiment.submit(config(waiting(gate)))
    wait_until_it_runs(gate)
    [driver] = [pid for pid, command in processes_of(run.id).items() if b"embedded" in command]

    os.kill(driver, number)
    details = run.wait_for_completion(raise_on_error=False)

    if number == signal.SIGTERM:
        assert details["status"] == "Canceled"
    else:
        assert details["status"] == "Failed"
        assert "the process that ran the script died" in details["error"]["error"]["message"]
    check_nothing_is_left(run)
