"""Tables of runs and steps."""

import io
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from airflow_ml.cli.tables import duration, print_run_table, print_table
from airflow_ml.core import Experiment, Workspace
from airflow_ml.graph import Graph, Step, WorkspaceRef, to_json
from airflow_ml.pipeline.core import PipelineRun
from airflow_ml.registry import MetricPoint, OutputRecord

_NOON = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)


def test_cells_of_several_lines_stand_under_each_other():
    """A row is as high as its highest cell, and columns are as wide as their widest line."""
    out = io.StringIO()

    print_table(("a", "long"), [("x\nyyy", "1"), ("", "2")], out)

    assert out.getvalue().splitlines() == ["a    long", "---  ----", "x    1", "yyy", "     2"]


@pytest.mark.parametrize(("seconds", "text"), [(0.04, "0.0 s"), (59.9, "59.9 s"), (125, "2:05"), (3725, "1:02:05")])
def test_durations_are_short(seconds: float, text: str):
    """Seconds have a decimal below a minute; above it is a clock."""
    assert duration(_NOON, _NOON + timedelta(seconds=seconds)) == text


def test_what_has_not_started_has_no_duration():
    """A run that has not started shows no time."""
    assert duration(None, None) == ""


def test_run_table_shows_every_step_of_the_graph(home: Path):
    """Steps stand in the pipeline's order, with metrics and outputs; one that was not started stands there too."""
    workspace = Workspace.create("ml", show_output=False)
    out = io.StringIO()

    print_run_table(PipelineRun(Experiment(workspace, "first"), make_run(workspace)), out)

    first, *_, train, more, never = [line.split() for line in out.getvalue().splitlines()]
    assert first[-1] == "Running"
    assert train == ["train", "Finished", "2.0", "loss", "=", "0.25", "(last", "of", "2)", "model", "=", "blob:m/1"]
    assert more == ["n", "=", "3"]
    assert never == ["score", "NotStarted"]


def test_run_table_marks_reused_steps(home: Path):
    """A step that took an earlier result says so beside its state, whatever its time was."""
    workspace = Workspace.create("ml", show_output=False)
    run, out = PipelineRun(Experiment(workspace, "first"), make_run(workspace)), io.StringIO()
    reused = {"azureml.isreused": "true", "azureml.reusedrunid": "old"}
    options = {"parent_id": run.id, "node_id": "score", "status": "Completed", "properties": reused}
    workspace.registry().runs.create("first", "score", kind="step", **options)

    print_run_table(run, out)

    assert out.getvalue().splitlines()[-1].split() == ["score", "Finished,", "reused"]


def make_run(workspace: Workspace) -> str:
    """Record a run of two steps of which one has completed."""
    registry = workspace.registry()
    graph = Graph(
        "p", WorkspaceRef("ml"), (Step("train", "train", "python_script"), Step("score", "score", "python_script"))
    )
    options = {"graph_json": to_json(graph), "status": "Running"}
    run = registry.runs.open_pipeline("first", "p", dag_id="d", dag_run_id="r", **options)
    step = registry.runs.create("first", "train", kind="step", parent_id=run.id, node_id="train", started_at=_NOON)
    points = [("loss", 0.5), ("loss", 0.25), ("n", 3)]
    registry.metrics.append(MetricPoint(step.id, name, "scalar", value, _NOON) for name, value in points)
    output = OutputRecord(step.id, "model", "pipeline_data", "blob", "m/1", True, "d", "m", 1, 1, _NOON)
    registry.outputs.add(step.id, [output])
    registry.runs.set_status(step.id, "Completed", ended_at=_NOON + timedelta(seconds=2))
    return run.id
