"""The one task of a schedule's DAG: it starts runs of a published pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from airflow_ml._late import late
from airflow_ml.operators._context import dag_run_of
from airflow_ml.operators._failures import airflow_failures

if TYPE_CHECKING:
    from airflow_ml.execution import scheduling
    from airflow_ml.graph import Json, WorkspaceRef
    from airflow_ml.operators import _services, _triggering
    from airflow_ml.registry import ScheduleRecord
    from airflow_ml.translation import registered_dags
else:
    _services = late("airflow_ml.operators._services")
    _triggering = late("airflow_ml.operators._triggering")
    scheduling = late("airflow_ml.execution.scheduling")
    registered_dags = late("airflow_ml.translation.registered_dags")

__all__ = ["ScheduleStartOperator"]


class ScheduleStartOperator(BaseOperator):
    """
    Starts the runs that a schedule owes: one if the time has come, and one per new file where it watches a folder.

    What it starts is read from the workspace when it runs: the schedule as it was last updated, and the pipeline or
    the default version of the endpoint as they are. It can die at any point and be tried again.

    Args:
        workspace: the schedule's.
        schedule_id: its id.
        retries: many, because an Airflow that is told of no DAG finds the pipeline's only after a while.
    """

    ui_color = "#e8f0fe"

    def __init__(
        self,
        *,
        workspace: WorkspaceRef,
        schedule_id: str,
        retries: int = 20,
        retry_delay: timedelta = timedelta(seconds=30),
        **kwargs: Any,
    ) -> None:
        super().__init__(retries=retries, retry_delay=retry_delay, **kwargs)
        self.workspace = workspace
        self.schedule_id = schedule_id

    def execute(self, context: Mapping[str, Any]) -> dict[str, Json]:
        """Start the runs and return their ids."""
        with airflow_failures(), _services.open_services(self.workspace) as opened:
            schedule = opened.registry.schedules.get(self.schedule_id)
            self._skip_what_is_not_owed(context, schedule)
            trigger = partial(_triggering.trigger, opened.registry)
            engine = scheduling.Engine(registered_dags.published_dag_id, trigger)
            if schedule.content.watch is None:
                return {"pipeline_run_ids": [scheduling.start_once(opened, schedule, engine, dag_run_of(context)[1])]}
            runs = [*scheduling.start_for_files(opened, schedule, engine)]
            if not runs:
                raise AirflowSkipException(f"schedule {schedule.content.name!r}: no file is new, others were quicker")
            return {"pipeline_run_ids": [*runs]}

    def _skip_what_is_not_owed(self, context: Mapping[str, Any], schedule: ScheduleRecord) -> None:
        """End as skipped where the schedule is disabled, or was when this was due (v1 makes up for nothing)."""
        if not schedule.is_active:
            raise AirflowSkipException(f"schedule {schedule.content.name!r} is {schedule.status}")
        due = context.get("logical_date")
        if (
            schedule.content.recurrence is not None
            and due is not None
            and due < schedule.enabled_at.replace(microsecond=0)
        ):
            raise AirflowSkipException(
                f"schedule {schedule.content.name!r} was enabled at {schedule.enabled_at}, after this run was due"
            )
