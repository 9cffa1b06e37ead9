"""The first task of every pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_ml._late import late
from airflow_ml.exceptions import UserErrorException
from airflow_ml.operators._context import (
    dag_run_of,
    given_parameters,
    group_of,
    is_mapped,
    reuse_mode_of,
    run_source_of,
    submitted_run_id,
)
from airflow_ml.operators._ending import close_behind_end, end_task_id, is_end_needed
from airflow_ml.operators._failures import airflow_failures
from airflow_ml.operators.links import RunLink

if TYPE_CHECKING:
    from airflow_ml.execution import model, pipelines, reusing, runner_lock, services
    from airflow_ml.graph import Json
    from airflow_ml.operators import _announcing, _assets, _services, _templates
    from airflow_ml.registry import RunRecord
    from airflow_ml.translation.pipeline_ref import PipelineRef
else:
    _announcing = late("airflow_ml.operators._announcing")
    _assets = late("airflow_ml.operators._assets")
    _services = late("airflow_ml.operators._services")
    _templates = late("airflow_ml.operators._templates")
    model = late("airflow_ml.execution.model")
    pipelines = late("airflow_ml.execution.pipelines")
    reusing = late("airflow_ml.execution.reusing")
    runner_lock = late("airflow_ml.execution.runner_lock")

__all__ = ["ReuseCheckOperator"]


class ReuseCheckOperator(BaseOperator):
    """
    Opens the pipeline run before its first step, and looks for the results that its steps may take from earlier runs.

    Parameters are checked and echoed, names are looked up, declarations of the DAG file are applied and source
    directories are captured. What is wrong with any of them fails here, before a step has run. Then every step whose
    inputs are known is decided, all in this one process; those that are reused are skipped at once and wait for no
    pool slot. If all are, and no task stands behind the pipeline, its last task is skipped too.
    """

    operator_extra_links = (RunLink(),)
    ui_color = "#f4f4f4"

    def __init__(
        self,
        *,
        pipeline: PipelineRef,
        retries: int = 2,
        retry_delay: timedelta = timedelta(seconds=5),
        **kwargs: Any,
    ) -> None:
        super().__init__(retries=retries, retry_delay=retry_delay, **kwargs)
        self.pipeline = pipeline
        self.run_id: str | None = None

    @property
    def workspace_name(self) -> str:
        """Name of the workspace that the run is recorded in."""
        return self.pipeline.graph.workspace.name

    def execute(self, context: Mapping[str, Any]) -> dict[str, Json]:
        """Open the run, decide its steps, and return its id, the values of its parameters and the reused steps."""
        with airflow_failures(), _services.open_services(self.pipeline.graph.workspace) as opened:
            if self.pipeline.has_templates:
                self.pipeline = _templates.rendered(self.pipeline, self, context)
            run = self._open(opened, context)
            self.run_id = run.id
            parameters = pipelines.printable_parameters(run)
            self.log.info("%s %r is run %s of workspace %r", run.kind, run.name, run.id, self.workspace_name)
            self.log.info("parameters: %s", parameters)
            # One that was canceled meanwhile stays so, and a script run's status is that of its script.
            if run.status == "NotStarted" and run.kind == "pipeline":
                run = opened.registry.runs.set_status(run.id, "Running", expected="NotStarted")
            # Steps of a mapped task group decide for themselves when they start.
            is_decided = run.kind == "pipeline" and not is_mapped(context)
            reused = self._look(opened, context, run) if is_decided else []
            return {"pipeline_run_id": run.id, "parameters": parameters, "reused": [*reused]}

    def _look(self, opened: services.Services, context: Mapping[str, Any], run: RunRecord) -> list[str]:
        """
        Decide the steps, tell Airflow which are reused, and return their ids.

        A process that dies in here is run again by Airflow: steps that it adopted are announced again, until they are
        marked.
        """
        dag_id, dag_run_id = dag_run_of(context)
        prefix = self.task_id.removesuffix("reuse_check")
        look = reusing.decide_first(opened, self.pipeline.graph, run, model.Airflow(dag_id, dag_run_id, prefix))
        for sentence in look.sentences:
            self.log.info("%s", sentence)
        tasks = _announcing.announcements_of(prefix, look.reused, self.pipeline.graph)
        # Not where some steps were adopted long ago: they may have been cleared, and run now.
        if len(look.reused) == len(self.pipeline.graph.steps):
            tasks += self._close(opened, context, run, end_task_id(prefix))
        _announcing.announce(context, self.workspace_name, tasks)
        reusing.mark_announced(opened, look.reused)
        runs = [item.result.step_run_id for item in look.reused]
        _assets.tell_registered(opened, context, self.pipeline.graph, runs)
        close_behind_end(opened, context, run.id, end_task_id(prefix))
        return [item.step_id for item in look.reused]

    def _close(
        self, opened: services.Services, context: Mapping[str, Any], run: RunRecord, task_id: str
    ) -> list[_announcing.Announcement]:
        """Close a run of which nothing is left to do, and return its last task as one more that need not run."""
        if is_end_needed(context, task_id):
            return []
        # The process that drives an embedded run closes it, after it has stored its own log with it.
        is_driven = run.details.get("engine") == runner_lock.ENGINE_EMBEDDED
        verdict = (pipelines.judge_pipeline if is_driven else pipelines.close_pipeline)(opened, run.id)
        if verdict.status != "Completed":
            return []
        return [_announcing.Announcement(task_id, {"pipeline_run_id": run.id, "status": verdict.status}, run.id)]

    def _open(self, opened: services.Services, context: Mapping[str, Any]) -> RunRecord:
        submitted = submitted_run_id(context, self.pipeline)
        if submitted is not None:
            return pipelines.continue_run(opened, submitted)
        graph = self.pipeline.graph
        if graph.is_script_run:
            raise UserErrorException(
                f"{graph.title(graph.steps[0])}: its DAG was triggered by hand; start it with Experiment.submit"
            )
        dag_id, dag_run_id = dag_run_of(context)
        opening = pipelines.Opening(
            experiment=self.pipeline.experiment,
            dag_id=dag_id,
            dag_run_id=dag_run_id,
            group_id=group_of(context, self.pipeline),
            continue_on_failure=self.pipeline.continue_on_failure,
            run_source=run_source_of(context),
        )
        try:
            is_whole, texts = not self.pipeline.group_id, self.pipeline.templates
            given = given_parameters(context, graph, is_whole_dag=is_whole, templates=texts)
            mode = reuse_mode_of(context, self.pipeline)
            opening = replace(opening, parameters=given, details={"reuse": mode})
            return pipelines.continue_run(opened, pipelines.open_pipeline(opened, graph, opening).id)
        except UserErrorException as error:
            pipelines.record_refusal(opened, graph, opening, error)
            raise
