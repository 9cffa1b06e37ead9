"""The end of a pipeline in Airflow: when its last task need not run, and what is done when it has ended already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.operators._context import task_state

if TYPE_CHECKING:
    from airflow_ml.execution import pipelines
    from airflow_ml.execution.services import Services
else:
    pipelines = late("airflow_ml.execution.pipelines")

__all__ = ["close_behind_end", "end_task_id", "is_end_needed"]

_OVER = ("success", "skipped", "failed", "upstream_failed", "removed")

_CALLBACKS = ("on_execute_callback", "on_success_callback", "on_skipped_callback")


def end_task_id(prefix: str) -> str:
    """Return the id of a pipeline's last task; the prefix is that of all its tasks, from their task group."""
    return f"{prefix}pipeline_end"


def is_end_needed(context: Mapping[str, Any], task_id: str) -> bool:
    """
    Whether a pipeline's last task must run although there is nothing left to do for it.

    Tasks behind it would be skipped with it; and what somebody has hung on it would not take place.
    """
    task = context["dag"].task_dict.get(task_id)
    return task is None or bool(
        task.downstream_task_ids or task.outlets or any(getattr(task, name, None) for name in _CALLBACKS)
    )


def close_behind_end(opened: Services, context: Mapping[str, Any], run_id: str, task_id: str) -> None:
    """
    Close a pipeline run that was opened again after its last task had ended.

    That task closes a run; when others are cleared without it, nothing else would.
    """
    if not opened.registry.runs.get(run_id).details.get("reopened"):
        return
    if task_state(context, task_id) in _OVER:
        pipelines.close_if_idle(opened, run_id)
