"""
The DAG of a schedule: one task that starts runs, and Airflow's own schedule for when it does.

Airflow shows a schedule as what it is: a recurrence with its next run, or a folder that is watched in the triggerer.
It is recorded as other DAGs of the workspace are, without steps; everything else is read when the task runs, so that
an update makes a new version of the DAG only if it changes the times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from airflow.sdk import DAG, Asset, AssetWatcher

from airflow_ml._late import late
from airflow_ml.translation.recurrence_timetable import RecurrenceTimetable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml.graph import Json, WorkspaceRef

__all__ = ["to_schedule_dag"]

# Operators stand above this room; they are reached here as they are for pipelines (`airflow_ml.translation.tasks`).
_operators = late("airflow_ml.operators")
_triggers = late("airflow_ml.operators.new_files_trigger")


def to_schedule_dag(dag_id: str, workspace: WorkspaceRef, arguments: Mapping[str, Json]) -> DAG:
    """
    Return the DAG of a schedule.

    Args:
        arguments: `schedule_id`, `name`, `description`, and either `recurrence` or `folder`, for people.
    """
    schedule_id, name = cast(str, arguments["schedule_id"]), cast(str, arguments["name"])
    with DAG(
        dag_id,
        schedule=_schedule_of(dag_id, workspace, arguments),
        catchup=False,
        # One look at a folder at a time; of a recurrence, a start that has to wait holds up no other.
        max_active_runs=1 if arguments.get("recurrence") is None else 16,
        is_paused_upon_creation=False,
        dag_display_name=name,
        description=cast("str | None", arguments.get("description")),
        tags=["schedule"],
    ) as dag:
        _operators.ScheduleStartOperator(task_id="start_pipeline", workspace=workspace, schedule_id=schedule_id)
    return dag


def _schedule_of(dag_id: str, workspace: WorkspaceRef, arguments: Mapping[str, Json]) -> Any:
    recurrence = arguments.get("recurrence")
    if recurrence is not None:
        return RecurrenceTimetable(cast("Mapping[str, Json]", recurrence))
    schedule_id = cast(str, arguments["schedule_id"])
    trigger = _triggers.NewFilesTrigger(workspace.name, workspace.registry_url, schedule_id)
    watcher = AssetWatcher(name=schedule_id, trigger=trigger)
    name = f"new files in {arguments.get('folder')} for {dag_id}"
    return [Asset(name=name[:1000], uri=f"airflow-ml-schedule://{schedule_id}", watchers=[watcher])]
