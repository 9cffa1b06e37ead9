"""The example with operators by hand: it runs in Airflow's in-process runner, and its results make sense."""

import json

import pytest

from airflow_ml.core import Workspace

pytestmark = [pytest.mark.airflow, pytest.mark.network, pytest.mark.xdist_group("titanic")]

STEPS = ("passengers", "clean", "features", "train_logistic", "train_forest", "compare")


@pytest.fixture(scope="module")
def ran(examples) -> dict:
    """Run the example once for the module's tests."""
    return examples.run("titanic_operators", {"passengers": 600})


@pytest.fixture
def workspace(ran, shared_home, monkeypatch) -> Workspace:
    """Return the workspace after the run."""
    monkeypatch.setenv("AIRFLOW_ML_HOME", str(shared_home))
    return Workspace.get("digits")


def test_the_dag_runs_from_nothing(ran, workspace):
    """Every task succeeds, each behind what it reads, and all steps are of one pipeline run."""
    assert ran["state"] == "success", ran["log"]
    assert set(ran["tasks"]) == {*STEPS, "pin"}
    [run] = workspace.experiments["titanic_operators"].get_runs()
    assert run.get_status() == "Finished"
    assert {step.name for step in run.get_steps()} == set(STEPS)
    assert json.loads(run.get_properties()["azureml.parameters"]) == {"passengers": "600"}


def test_the_steps_read_the_pinned_dataset(ran, workspace):
    """The table of the first task is registered, and cleaning read exactly that version of it."""
    table = workspace.datasets["titanic-passengers"]
    assert ran["xcoms"]["pin:return_value"]["dataset"] == f"dataset://titanic-passengers@{table.version}"
    assert ran["xcoms"]["pin:return_value"]["files"] == 1

    [run] = workspace.experiments["titanic_operators"].get_runs()
    [clean] = run.find_step_run("clean")

    gaps = clean.get_metrics("gaps")["gaps"]
    filled = dict(zip(gaps["column"], gaps["filled"], strict=True))
    assert 60 < filled["age"] < 180
    assert filled["survived"] == 0


def test_the_better_candidate_is_registered(ran, workspace):
    """Both candidates beat guessing, and the model that is registered is the best of them."""
    [run] = workspace.experiments["titanic_operators"].get_runs()
    [compare], [made] = run.find_step_run("compare"), run.find_step_run("passengers")
    survived = made.get_metrics()["survived"] / 600
    metrics = compare.get_metrics()

    tried = dict(zip(metrics["candidates"]["family"], metrics["candidates"]["accuracy"], strict=True))
    assert set(tried) == {"logistic", "forest"}
    assert min(tried.values()) > max(survived, 1 - survived)
    assert metrics["best accuracy"] == max(tried.values())
    model = workspace.models["titanic"]
    assert model.tags == {"family": run.get_tags()["best family"], "accuracy": f"{max(tried.values()):.4f}"}
    assert tried[model.tags["family"]] == max(tried.values())
    assert model.run_id == compare.id
