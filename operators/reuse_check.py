"""The first task of every pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from airflow_ml._late import late
from airflow_ml.exceptions import UserErrorException
from airflow_ml.operators._context import dag_run_of, given_parameters, run_source_of, submitted_run_id
from airflow_ml.operators._failures import airflow_failures
from airflow_ml.operators.links import RunLink

if TYPE_CHECKING:
    from airflow_ml.execution import pipelines, services
    from airflow_ml.graph import Json
    from airflow_ml.registry import RunRecord
    from airflow_ml.translation.pipeline_ref import PipelineRef
else:
    pipelines = late("airflow_ml.execution.pipelines")
    services = late("airflow_ml.execution.services")

__all__ = ["ReuseCheckOperator"]


class ReuseCheckOperator(BaseOperator):
    """
    Opens the pipeline run before its first step.

    Parameters are checked and echoed, names are looked up, declarations of the DAG file are applied and source
    directories are captured. What is wrong with any of them fails here, before a step has run.
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
        """Open the run and return its id and the values of its parameters."""
        with airflow_failures(), services.open_services(self.pipeline.graph.workspace) as opened:
            run = self._open(opened, context)
            self.run_id = run.id
            parameters = pipelines.printable_parameters(run)
            self.log.info("%s %r is run %s of workspace %r", run.kind, run.name, run.id, self.workspace_name)
            self.log.info("parameters: %s", parameters)
            # One that was canceled meanwhile stays so, and a script run's status is that of its script.
            if run.status == "NotStarted" and run.kind == "pipeline":
                run = opened.registry.runs.set_status(run.id, "Running", expected="NotStarted")
            return {"pipeline_run_id": run.id, "parameters": parameters}

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
            group_id=self.pipeline.group_id,
            continue_on_failure=self.pipeline.continue_on_failure,
            run_source=run_source_of(context),
        )
        try:
            given = given_parameters(context, graph, is_whole_dag=not self.pipeline.group_id)
            opening = replace(opening, parameters=given)
            return pipelines.continue_run(opened, pipelines.open_pipeline(opened, graph, opening).id)
        except UserErrorException as error:
            pipelines.record_refusal(opened, graph, opening, error)
            raise
