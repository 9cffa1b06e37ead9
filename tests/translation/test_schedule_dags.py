"""The DAGs of schedules, as Airflow keeps them."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.serialization.serialized_objects import DagSerialization

from airflow_ml.graph import WorkspaceRef
from airflow_ml.translation.schedule_dags import to_schedule_dag

WORKSPACE = WorkspaceRef("w", registry_url="postgresql://ml@db/ml")
COMMON = {"schedule_id": "0-1", "name": "the name", "description": "d"}
RECURRENCE = {"frequency": "Day", "interval": 1, "hours": [6], "minutes": [5], "since": "2026-01-01T00:00:00+00:00"}


def kept(**arguments: Any) -> Any:
    """Return the DAG as it comes back from Airflow's database."""
    dag = to_schedule_dag("dag-0", WORKSPACE, {**COMMON, **arguments})
    return DagSerialization.from_dict(DagSerialization.to_dict(dag))


def test_a_recurrence_is_a_dag_with_a_timetable() -> None:
    """It has one task, its name and words for its times, and makes up for no past ones."""
    dag = kept(recurrence=RECURRENCE, folder=None)

    assert [*dag.task_ids] == ["start_pipeline"]
    assert (dag.dag_display_name, dag.description, dag.catchup) == ("the name", "d", False)
    assert dag.timetable.summary == "every day at 06:05 (UTC)"


def test_a_watched_folder_is_an_asset_with_a_watcher() -> None:
    """The asset is named after the folder, is the schedule's alone, and its watcher knows names alone."""
    dag = to_schedule_dag("dag-0", WORKSPACE, {**COMMON, "recurrence": None, "folder": "store/in"})
    [asset] = dag.timetable.asset_condition.objects
    [watcher] = asset.watchers

    assert asset.name == "new files in store/in for dag-0"
    assert watcher.trigger.serialize()[1] == {
        "workspace": "w",
        "registry_url": "postgresql://ml@db/ml",
        "schedule_id": "0-1",
    }
    assert kept(recurrence=None, folder="store/in").max_active_runs == 1


@pytest.mark.parametrize("description", [None, "other"])
def test_the_same_schedule_is_the_same_dag(description: str | None) -> None:
    """Each parse gives the same text, so that Airflow makes no new version of it."""
    given = {**COMMON, "description": description, "recurrence": RECURRENCE, "folder": None}
    first, second = [DagSerialization.to_dict(to_schedule_dag("d", WORKSPACE, given)) for _ in range(2)]

    assert first == second
