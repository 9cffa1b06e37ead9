"""`airflow-ml doctor`: what it says of a machine's set-up. What crashes leave is tested where they happen."""

import json

import pytest

from airflow_ml.cli import _health
from airflow_ml.cli.main import main
from airflow_ml.core import Workspace
from airflow_ml.exceptions import ServiceException


@pytest.fixture(autouse=True)
def _no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no engine of this machine take part."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")


def checks(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, str]]:
    """Return what the command says, by what it is about."""
    main(["doctor", "--json", *arguments])
    return {check["what"]: check for check in json.loads(capsys.readouterr().out)["checks"]}


def test_a_machine_without_a_workspace_is_told_what_to_do(home, capsys):
    """Nothing is wrong with it; a workspace is missing."""
    said = checks(capsys)

    assert (said["workspace"]["state"], said["workspace"]["advice"]) == ("missing", "airflow-ml init")
    assert said["airflow"]["state"] == said["plugin"]["state"] == "ok"
    assert said["engine"]["state"] == "missing"


def test_workspaces_are_looked_into(folder, capsys):
    """The database and every datastore of a workspace answer."""
    said = checks(capsys, "--workspace", "ml")

    assert said["database of ml"]["state"] == "ok"
    assert said["datastore workspaceblobstore"]["state"] == "ok"
    assert said["service of ml"]["state"] == "missing"


def test_a_datastore_that_is_gone_is_a_problem(folder, capsys, tmp_path):
    """What does not work makes the exit code 1, and the others are looked at all the same."""
    registry = Workspace.get("ml").registry()
    registry.datastores.put("broken", type="AzureBlob", settings={"kind": "nonsense"})

    assert main(["doctor", "--workspace", "ml"]) == 1

    shown = capsys.readouterr().out
    assert "problem  datastore broken" in shown
    assert "ok       datastore workspaceblobstore" in shown


def test_a_look_that_fails_is_a_problem_with_its_advice():
    """Our errors say what to do behind their semicolon."""

    def fail():
        raise ServiceException("the store does not answer; look at the network")
        yield

    (check,) = _health._guarded("store", fail)

    assert (check.state, check.text, check.advice) == ("problem", "the store does not answer", "look at the network")
