"""`airflow-ml demo`, whose run also shows `run`, `runs show | logs` and `plan` what there is."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_ml.cli.main import main


def call(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    command = [sys.executable, "-m", "airflow_ml.cli.main", *arguments]
    env = {**os.environ, **variables}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=280)


@pytest.mark.airflow
def test_the_demo_runs_and_nothing_runs_twice(home, tmp_path):
    """A pipeline is written and run in a folder of its own; its results are there for the next run."""
    done = call(tmp_path, "demo", "--json")

    assert done.returncode == 0, done.stderr[-3000:]
    document = json.loads(done.stdout)
    assert [step["status"] for step in document["steps"]] == ["Completed"] * 3
    assert document["steps"][2]["metrics"]["accuracy"] > 0.6
    place = tmp_path / "airflow-ml-demo"
    own = {"AIRFLOW_ML_HOME": str(place / ".airflow_ml")}
    plan = json.loads(call(place, "plan", "pipeline.py", "--json", **own).stdout)["pipelines"][0]
    assert [step["action"] for step in plan["steps"]] == ["reuse"] * 3
    logs = call(place, "runs", "logs", document["run_id"], "--step", "compare", "--follow", **own).stdout
    assert logs.startswith("== compare\naccuracy 0.")
    assert "has no step 'no'" in call(place, "runs", "logs", document["run_id"], "--step", "no", **own).stderr


def test_a_folder_with_something_else_is_left_alone(home, tmp_path, monkeypatch, capsys):
    """The demo writes into no folder of a person's."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "airflow-ml-demo").mkdir()

    assert main(["demo"]) == 2
    assert "name another folder" in capsys.readouterr().err
