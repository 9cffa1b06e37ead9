"""The last task of every pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airflow_ml._late import late
from airflow_ml.operators._context import dag_run_of, group_of, submitted_run_id, task_state
from airflow_ml.operators._failures import airflow_failures
from airflow_ml.operators.links import RunLink

if TYPE_CHECKING:
    from airflow_ml.execution import pipelines, runner_lock
    from airflow_ml.operators import _services
    from airflow_ml.translation.pipeline_ref import PipelineRef
else:
    _services = late("airflow_ml.operators._services")
    pipelines = late("airflow_ml.execution.pipelines")
    runner_lock = late("airflow_ml.execution.runner_lock")

__all__ = ["PipelineEndOperator"]


class PipelineEndOperator(BaseOperator):
    """
    Records how the pipeline run ended, after its last step.

    It succeeds when every step has completed or was skipped because its result was reused, so that tasks behind the
    pipeline are never skipped with its steps. It fails when a step has failed, and is skipped when the pipeline's
    first task was (a branch not taken).

    Args:
        pipeline: what the tasks of the pipeline share.
        first_task_id: id of the pipeline's first task, with those of its groups.
    """

    operator_extra_links = (RunLink(),)
    ui_color = "#f4f4f4"

    def __init__(
        self,
        *,
        pipeline: PipelineRef,
        first_task_id: str,
        retries: int = 2,
        retry_delay: timedelta = timedelta(seconds=5),
        trigger_rule: str = "all_done",
        **kwargs: Any,
    ) -> None:
        super().__init__(retries=retries, retry_delay=retry_delay, trigger_rule=trigger_rule, **kwargs)
        self.pipeline = pipeline
        self.first_task_id = first_task_id
        self.run_id: str | None = None

    @property
    def workspace_name(self) -> str:
        """Name of the workspace that the run is recorded in."""
        return self.pipeline.graph.workspace.name

    def execute(self, context: Mapping[str, Any]) -> dict[str, str]:
        """Record the end and return the run's id and status."""
        with airflow_failures(), _services.open_services(self.pipeline.graph.workspace) as opened:
            self.run_id = submitted_run_id(context, self.pipeline)
            if self.run_id is None:
                run = opened.registry.runs.find_pipeline(*dag_run_of(context), group_of(context, self.pipeline))
                if run is None:
                    self._leave(context)
                self.run_id = run.id
            is_driven = opened.registry.runs.get(self.run_id).details.get("engine") == runner_lock.ENGINE_EMBEDDED
            # The process that drives an embedded run closes it, after it has stored its own log with it.
            end = pipelines.judge_pipeline if is_driven else pipelines.close_pipeline
            verdict = end(opened, self.run_id)
            if verdict.status != "Completed":
                reason = verdict.error.get("message", "see its steps")
                raise AirflowFailException(f"run {self.run_id} is {verdict.status}: {reason}")
            return {"pipeline_run_id": self.run_id, "status": verdict.status}

    def _leave(self, context: Mapping[str, Any]) -> NoReturn:
        """End where no pipeline run was opened: like the task that should have done it."""
        if task_state(context, self.first_task_id) == "skipped":
            raise AirflowSkipException("the pipeline was not started: its first task was skipped")
        raise AirflowFailException(f"the pipeline was not started: task {self.first_task_id!r} failed, see its log")
