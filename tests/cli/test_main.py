"""The `airflow-ml` command, as a person calls it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_ml._version import __version__
from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import Registry, open_registry


@pytest.fixture
def registry(home: Path):
    """Return the registry of the workspace `ml`."""
    with open_registry(WorkspaceRef("ml")) as opened:
        yield opened


def call(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    command = [sys.executable, "-m", "airflow_ml.cli.main", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )


def test_version_is_printed(home: Path):
    """`version` prints the package's version."""
    done = call(home, "version")

    assert (done.returncode, done.stdout) == (0, f"airflow-ml {__version__}\n")


def test_start_up_imports_nothing_heavy(home: Path):
    """A command that needs neither registry nor Airflow imports neither."""
    code = "import sys; from airflow_ml.cli.main import main; main(['version']); print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "False"


def test_own_errors_are_one_line(home: Path):
    """What the caller can correct is one line on standard error, exit code 2, and no traceback."""
    done = call(home, "runs", "list", "--workspace", "nowhere")

    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("airflow-ml: workspace 'nowhere': does not exist")
    assert done.stderr.count("\n") == 1


def test_other_errors_keep_their_traceback(home: Path):
    """A fault that our errors do not know is shown whole."""
    script = f"mkdir gone && cd gone && rmdir ../gone && {sys.executable} -m airflow_ml.cli.main runs list"
    done = subprocess.run(["sh", "-c", script], cwd=home, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "Traceback" in done.stderr


def test_status_without_a_service_is_stopped(home: Path):
    """`service status` says that none runs, and so does its exit code."""
    done = call(home, "service", "status")

    assert done.returncode == 3
    assert done.stdout.startswith("state:    stopped\n")


def test_stop_without_a_service_is_no_error(home: Path):
    """`service stop` where none runs says so."""
    done = call(home, "service", "stop")

    assert (done.returncode, done.stdout) == (0, "the service was not running\n")


def test_pools_need_a_service_or_an_address(home: Path):
    """`pools sync` without a service says what to do."""
    done = call(home, "pools", "sync")

    assert done.returncode == 2
    assert "airflow-ml service start" in done.stderr


def test_pools_of_another_airflow_need_a_token(home: Path):
    """`pools sync --url` without a token names the variable for it."""
    done = call(home, "pools", "sync", "--url", "http://127.0.0.1:1")

    assert done.returncode == 2
    assert "AIRFLOW_ML_AIRFLOW_TOKEN" in done.stderr


def test_database_password_leaves_the_argument_list(home: Path):
    """A password in --database-url goes on in the environment; the error that follows does not show it."""
    done = call(home, "service", "start", "--database-url", "mysql://ann:secret@db/air")

    assert done.returncode == 2
    assert "mysql://ann@db/air" in done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_runs_are_listed_newest_first(home: Path, registry: Registry):
    """`runs list` shows as many runs as asked for, of the experiment asked for."""
    for number in range(3):
        registry.runs.create("first", f"pipeline {number}", kind="pipeline")
    registry.runs.create("second", "other", kind="pipeline")

    done = call(home, "runs", "list", "--experiment", "first", "--limit", "2")

    header, _, *rows = done.stdout.splitlines()
    assert header.split() == ["id", "experiment", "name", "status", "started", "duration"]
    assert ["pipeline 2" in rows[0], "pipeline 1" in rows[1], len(rows)] == [True, True, 2]


def test_run_of_no_workspace_is_an_error(home: Path, registry: Registry):
    """`runs show` of an unknown id names the workspaces that were looked at."""
    done = call(home, "runs", "show", "nothing")

    assert done.returncode == 2
    assert "no run 'nothing' in workspace ml" in done.stderr


def test_run_of_a_step_is_not_shown_as_a_pipeline(home: Path, registry: Registry):
    """`runs show` takes runs of pipelines."""
    run = registry.runs.create("first", "script", kind="script")

    done = call(home, "runs", "show", run.id)

    assert done.returncode == 2
    assert "takes the run of a pipeline" in done.stderr
