"""`airflow-ml runs logs | cancel | compare`, and runs as JSON."""

import json

import pytest

from airflow_ml.cli.main import main
from airflow_ml.core import Experiment, Workspace


@pytest.fixture
def runs(folder):
    """Two interactive runs with metrics and tags, the first of which has ended."""
    experiment = Experiment(Workspace.get("ml"), "first")
    made = []
    for rate in (0.1, 0.2):
        run = experiment.start_logging(snapshot_directory=None)
        run.log("accuracy", rate)
        run.tag("colour", "red")
        made.append(run)
    made[0].complete()
    return made


def document(capsys, *arguments):
    """Return the JSON that a command prints."""
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_runs_are_compared_side_by_side(runs, capsys):
    """A row a metric, a column a run; what differs is marked."""
    assert main(["runs", "compare", *(run.id for run in runs)]) == 0

    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["metric", "accuracy", "*", "0.1", "0.2"] in lines
    assert ["tag", "colour", "red", "red"] in lines
    assert lines[-1] == ["*", "differs"]


def test_a_run_is_a_document(runs, capsys):
    """`show` gives any run as JSON, `list` their heads."""
    shown = document(capsys, "runs", "show", runs[0].id)
    assert (shown["metrics"], shown["status"]) == ({"accuracy": 0.1}, "Completed")
    assert {item["run_id"] for item in document(capsys, "runs", "list")["runs"]} == {run.id for run in runs}
    assert len(document(capsys, "runs", "compare", runs[0].id, runs[1].id)["runs"]) == 2


def test_runs_are_cancelled(runs, capsys):
    """A run that has ended stays as it is."""
    assert main(["runs", "cancel", *(run.id for run in runs)]) == 0

    said = capsys.readouterr().out
    assert f"run {runs[0].id} had ended already: Completed" in said
    assert f"run {runs[1].id} is asked to end: Canceled" in said


def test_parameters_like_secrets_are_masked(folder, capsys):
    """What looks like a secret by its name is not printed."""
    registry = Workspace.get("ml").registry()
    run = registry.runs.create("first", "one", kind="script", details={"parameters": {"api_key": "abc", "rate": 1}})

    main(["runs", "compare", run.id])

    printed = capsys.readouterr().out
    assert "abc" not in printed
    assert "parameter rate" in printed


def test_logs_of_a_run_without_any_are_empty(runs, capsys):
    """A run whose script has said nothing prints nothing."""
    assert main(["runs", "logs", runs[0].id]) == 0
    assert capsys.readouterr().out == ""


def test_logs_are_followed_or_whole(runs, capsys):
    """A document cannot grow."""
    assert main(["runs", "logs", runs[0].id, "--json", "--follow"]) == 2
    assert "exclude each other" in capsys.readouterr().err
