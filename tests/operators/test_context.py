"""Which pipeline run a task belongs to, read from Airflow's context."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from airflow_ml.graph import Graph, WorkspaceRef
from airflow_ml.operators._context import group_of, run_source_of
from airflow_ml.translation.pipeline_ref import PipelineRef


def context(run_type: str, map_index: int = -1) -> dict[str, Any]:
    """Return what these questions need of a task's context."""
    return {"dag_run": SimpleNamespace(run_type=run_type), "ti": SimpleNamespace(map_index=map_index)}


@pytest.mark.parametrize(
    ("run_type", "map_index", "group"),
    [
        ("scheduled", -1, "ml"),
        ("manual", 2, "ml[2]"),
        ("backfill", -1, "ml@backfill"),
        ("backfill", 0, "ml[0]@backfill"),
    ],
)
def test_a_backfill_has_a_pipeline_run_of_its_own(run_type: str, map_index: int, group: str) -> None:
    """Its tasks are those of the day's DAG run, cleared; what a person clears stays in the same pipeline run."""
    pipeline = PipelineRef(Graph("p", WorkspaceRef("w"), ()), experiment="e", group_id="ml")

    assert group_of(context(run_type, map_index), pipeline) == group


def test_only_runs_by_hand_are_by_http() -> None:
    """v1 has two words for how a run was started."""
    assert [run_source_of(context(kind)) for kind in ("manual", "scheduled", "backfill")] == [
        "HTTP",
        "Schedule",
        "Schedule",
    ]
