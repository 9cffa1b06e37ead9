"""The digits example: it parses fast, and runs embedded and in Airflow."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_ml.core import Workspace
from airflow_ml.pipeline.core import PipelineRun

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("digits")]

#: Loads the file as Airflow does: as a module whose name has this prefix.
PARSE = """
import importlib.util, json, sys
import airflow.sdk
before = set(sys.modules)
spec = importlib.util.spec_from_file_location("unusual_prefix_1_digits", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
new = sorted(set(sys.modules) - before)
print(json.dumps({"tasks": module.dag.task_ids, "params": dict(module.dag.params), "new": new}))
"""


def python(*arguments: str, cwd: Path, env: dict[str, str]) -> str:
    """Run this interpreter and return what it prints; its errors are the test's."""
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-5000:]
    return done.stdout


def test_parsing_touches_neither_home_nor_database_nor_data(dags, surroundings, tmp_path):
    """Parsing the file opens no workspace and imports no database, table, docker or cloud package."""
    home = tmp_path / "home"

    env = surroundings | {"AIRFLOW_ML_HOME": str(home)}
    found = json.loads(python("-c", PARSE, str(dags / "digits_classification.py"), cwd=tmp_path, env=env))

    assert {"upload", "classification.prepare", "classification.train_linear"} < set(found["tasks"])
    assert found["params"] == {"epochs": 20, "learning_rate": 0.01, "reuse": "normal"}
    heavy = {"alembic", "azure", "docker", "numpy", "pandas", "sqlalchemy", "sqlite3"}
    assert heavy.isdisjoint(name.partition(".")[0] for name in found["new"])
    assert not home.exists()


@pytest.mark.network
def test_the_demo_runs_embedded_and_leaves_results(dags, surroundings, shared_home, monkeypatch):
    """`python -m digits.demo` takes images to metrics, an image, a registered model and a registered dataset."""
    shown = python("-m", "digits.demo", "--epochs", "2", cwd=dags, env=surroundings)

    monkeypatch.setenv("AIRFLOW_ML_HOME", str(shared_home))
    workspace = Workspace.get("digits")
    run = next(workspace.experiments["digits_classification"].get_runs())
    assert isinstance(run, PipelineRun)
    steps = {step.name: step for step in run.get_steps()}
    assert {name: step.get_status() for name, step in steps.items()} == dict.fromkeys(
        ("prepare", "train linear", "train network", "compare"), "Finished"
    )
    assert steps["prepare"].get_metrics("images") == {"images": 1797}
    for name in ("train linear", "train network"):
        assert len(steps[name].get_metrics()["accuracy"]) == 2
        assert any(file.startswith("confusion matrix") for file in steps[name].get_file_names())
    model, dataset = workspace.models["digits"], workspace.datasets["digits-predictions"]
    assert model.tags["family"] in ("linear", "network")
    assert float(model.tags["accuracy"]) == pytest.approx(steps["compare"].get_metrics()["best accuracy"], abs=1e-4)
    assert list(dataset.to_pandas_dataframe().columns) == ["label", "predicted"]
    assert len(dataset.to_pandas_dataframe()) == 450
    for shown_name in ("train network", "linear_model", "digits-predictions", "450 rows"):
        assert shown_name in shown


@pytest.mark.network
def test_airflow_runs_the_dag_from_nothing(dags, surroundings, shared_home, monkeypatch):
    """`airflow dags test` in a fresh Airflow uploads the images and runs the pipeline with changed parameters."""
    python("-m", "airflow", "db", "migrate", cwd=dags, env=surroundings)

    python("-m", "airflow", "dags", "test", "digits_classification", "-c", '{"epochs": 1}', cwd=dags, env=surroundings)

    monkeypatch.setenv("AIRFLOW_ML_HOME", str(shared_home))
    workspace = Workspace.get("digits")
    run = next(workspace.experiments["digits_classification"].get_runs())
    assert run.get_status() == "Finished"
    assert run.get_tags()["best family"] in ("linear", "network")
    assert workspace.models["digits"].description == "1 epochs at a learning rate of 0.01"
