"""The operator of another node than the first, of a distributed step on several nodes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
)

from airflow_ml._late import late
from airflow_ml.operators._context import dag_run_of, group_of, submitted_run_id, task_state
from airflow_ml.operators._failures import airflow_failures
from airflow_ml.operators.step import StepOperator
from airflow_ml.translation.node_tasks import node_task_id

if TYPE_CHECKING:
    from airflow_ml.execution import attempt, model, node_attempt, runner_lock, services
    from airflow_ml.graph import Json
    from airflow_ml.operators import _services
    from airflow_ml.registry import RunRecord
else:
    _services = late("airflow_ml.operators._services")
    attempt = late("airflow_ml.execution.attempt")
    model = late("airflow_ml.execution.model")
    node_attempt = late("airflow_ml.execution.node_attempt")
    runner_lock = late("airflow_ml.execution.runner_lock")

__all__ = ["StepNodeOperator"]

#: Seconds for which the task waits in its process for the first node, and then between two starts of it.
_STAY, _AWAY = 15.0, 5.0

#: Seconds between two looks.
_LOOK_SECONDS = 1.0

_OVER = ("success", "skipped", "failed", "upstream_failed", "removed")


class StepNodeOperator(StepOperator):
    """
    Takes part in a distributed step as one of its nodes; the step's own task is the first one.

    It waits for the step's attempt without a slot of the compute target, because the step's task has those of all
    nodes: two distributed steps never hold half of what they need each.

    Args:
        node: which one, from 1 on.
    """

    ui_color = "#edf5fb"

    def __init__(self, *, node: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.node = node

    @property
    def _prefix(self) -> str:
        return self.task_id.removesuffix(node_task_id(self.step.id, self.node))

    def execute(self, context: Mapping[str, Any]) -> dict[str, Json]:
        """Do this node's part, and return which run it was a part of."""
        with (
            airflow_failures(retry_user_failures=self.retry_user_failures),
            _services.open_services(self.pipeline.graph.workspace) as opened,
        ):
            run = self._refuse_stopped(self._find_run(opened, context))
            place = model.Airflow(*dag_run_of(context), self.task_id, context["ti"].try_number)
            task = model.StepTask(self.pipeline.graph, self.step, run, place)
            if run.details.get("engine") == runner_lock.ENGINE_EMBEDDED:
                raise AirflowSkipException(f"{self.title}: its own task runs the processes of all nodes")
            if not node_attempt.is_needed(task, self.node):
                raise AirflowSkipException(f"{self.title} has no node {self.node} in this run")
            found = self._wait_for_first(opened, context, task)
            if found is not None:
                self._take_part(opened, task, found)
            return {"step_run_id": found.id if found is not None else None, "node": self.node}

    def _wait_for_first(
        self, opened: services.Services, context: Mapping[str, Any], task: model.StepTask
    ) -> RunRecord | None:
        """Return the step run that this node is a part of; None if the step is done without it."""
        end = time.monotonic() + _STAY
        first = f"{self._prefix}{self.step.id}"
        while True:
            found = node_attempt.find_meeting(opened, task)
            if found is not None:
                return found
            state = task_state(context, first)
            if state == "success":
                return None
            if state in _OVER:
                raise AirflowSkipException(f"{self.title} does not run: its task {first!r} is {state}")
            if self._is_stopped:
                raise AirflowException(f"{self.title} was stopped while node {self.node} waited")
            self._refuse_stopped(opened.registry.runs.get(task.pipeline_run_id))
            if time.monotonic() > end:
                later = datetime.now(timezone.utc) + timedelta(seconds=_AWAY)
                raise AirflowRescheduleException(later)  # type: ignore[no-untyped-call]  # Airflow's own
            time.sleep(_LOOK_SECONDS)

    def _take_part(self, opened: services.Services, task: model.StepTask, run: RunRecord) -> None:
        control = attempt.Control(
            is_stopped=lambda: self._is_stopped,
            log=self._log_line,
            started=lambda run_id: self._note_run(opened, run_id),
        )
        try:
            node_attempt.run_node(opened, task, run, self.node, control)
        except attempt.StepStopped as error:
            kind = AirflowException if self._is_stopped else AirflowFailException
            raise kind(str(error)) from error

    def _find_run(self, opened: services.Services, context: Mapping[str, Any]) -> RunRecord:
        """Return the pipeline run as it is; unlike the step's own task, this one never opens it again."""
        run_id = submitted_run_id(context, self.pipeline)
        if run_id is not None:
            return opened.registry.runs.get(run_id)
        run = opened.registry.runs.find_pipeline(*dag_run_of(context), group_of(context, self.pipeline))
        if run is None:
            raise AirflowSkipException(f"{self.title} is not started: its pipeline's first task was skipped")
        return run
