"""`airflow-ml submit`: what it refuses; that it runs is shown by the plans of what has run."""

import pytest

from airflow_ml.cli.main import main
from airflow_ml.core import Workspace
from airflow_ml.graph import Graph, Step, WorkspaceRef, to_json

BY_HAND = """
from airflow.sdk import DAG
from airflow_ml.operators import PythonScriptStepOperator
with DAG("by_hand"):
    PythonScriptStepOperator(task_id="first", workspace=workspace, script_name="run.py", source_directory="src")
del pipeline
"""


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what the command says of arguments that it refuses."""
    assert main(["submit", *arguments]) == 2
    return capsys.readouterr().err


def test_one_pipeline_is_submitted(script, capsys):
    """A file with several says which there are."""
    script("two.py", "other = Pipeline(workspace, [prepare])\n")

    assert "several pipelines: 'pipeline', 'other'; choose one by --pipeline" in refusal(capsys, "two.py")
    assert Workspace.get("ml").registry().runs.list() == []


@pytest.mark.airflow
def test_steps_written_by_hand_are_started_through_airflow(script, capsys):
    """What is tasks of a DAG has no run of its own that could be submitted."""
    script("by_hand.py", BY_HAND)

    assert "start it through Airflow" in refusal(capsys, "by_hand.py")


def test_a_disabled_pipeline_is_not_started(folder, capsys):
    """A published pipeline takes runs by this way too only while it is active."""
    published = Workspace.get("ml").registry().published_pipelines
    graph = Graph("p", WorkspaceRef("ml"), (Step("train", "train", "python_script"),))
    record = published.add("weekly", graph_json=to_json(graph), steps=1)
    published.set_active(record.id, active=False)

    assert "disabled" in refusal(capsys, "weekly").lower()
