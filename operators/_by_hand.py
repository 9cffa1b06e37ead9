"""What operators that are written by hand into a DAG have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.exceptions import GraphError, UserErrorException
from airflow_ml.graph import TaskSource
from airflow_ml.operators._context import backfill_mark, dag_run_of, given_parameters, reuse_mode_of, run_source_of
from airflow_ml.operators._writing import dag_of, producers_of
from airflow_ml.operators.step import StepOperator
from airflow_ml.translation.assets import assets_of
from airflow_ml.translation.node_tasks import refuse_nodes
from airflow_ml.translation.params import add_params
from airflow_ml.translation.pipeline_ref import PipelineRef
from airflow_ml.translation.pools import pool_arguments
from airflow_ml.translation.reuse_param import add_reuse_param

if TYPE_CHECKING:
    from collections.abc import Hashable

    from airflow_ml.execution import pipelines, services
    from airflow_ml.graph import Json, StepOutputSource
    from airflow_ml.operators._writing import StepWriter, WrittenStep
    from airflow_ml.pipeline.core import PipelineStep
    from airflow_ml.registry import RunRecord
else:
    pipelines = late("airflow_ml.execution.pipelines")
    services = late("airflow_ml.execution.services")

__all__ = ["ByHandOperator", "ref_of"]

#: Stands where pipelines have their task group, so that the DAG may hold both; no task group can be called like this.
_BY_HAND = "*"


class ByHandOperator(StepOperator):
    """
    Runs a step of a translated pipeline, or one that is written by hand.

    Attributes:
        is_by_hand: set before the parent's constructor is called, as the other two are.
        written: what the step writes, by the identity of the objects that consumers hold.
        face: the step as the public face has it; it must live as long as those objects are told apart.
    """

    is_by_hand = False
    written: Mapping[Hashable, StepOutputSource]
    face: PipelineStep

    def _write_by_hand(self, writer: StepWriter, *, task_id: str, **kwargs: Any) -> None:
        """
        Become the operator of the step that the writer writes, behind those whose data it reads.

        Raises:
            ValueError: what the step and `Pipeline` raise.
        """
        made = writer.write()
        refuse_nodes(made.graph, made.step)
        dag = dag_of(kwargs, task_id)
        add_params(dag.params, made.graph.parameters, where=f"task {writer.step_id!r}")
        pool = {} if "pool" in kwargs else pool_arguments(made.graph, made.step)
        arguments_of_task = {"trigger_rule": "all_success", **pool, **kwargs}
        StepOperator.__init__(self, task_id=task_id, pipeline=ref_of(writer, made), step=made.step, **arguments_of_task)
        if self.get_closest_mapped_task_group() is not None:
            raise GraphError(
                f"task {self.task_id!r} stands in a mapped task group, where a step that is written by hand cannot run:"
                " its outputs would be those of every value; map the step itself, by partial(...).expand(...), or make"
                " the steps a Pipeline, and use its to_task_group there"
            )
        self.add_outlets(assets_of(made.graph, made.step))
        add_reuse_param(dag.params)
        self.written = made.outputs
        self.face = made.face
        for producer in producers_of(made, dag):
            self.set_upstream(producer)

    def _pipeline_run(self, opened: services.Services, context: Mapping[str, Any]) -> RunRecord:
        if not self.is_by_hand:
            return super()._pipeline_run(opened, context)
        dag_id, dag_run_id = dag_run_of(context)
        graph = self.pipeline.graph
        opening = pipelines.Opening(
            experiment=self.pipeline.experiment,
            dag_id=dag_id,
            dag_run_id=dag_run_id,
            group_id=f"{_BY_HAND}{backfill_mark(context)}",
            run_source=run_source_of(context),
            parameters=given_parameters(context, graph, is_whole_dag=False, templates=self.pipeline.templates),
            continue_on_failure=True,
            is_complete=False,
            details={"reuse": reuse_mode_of(context, self.pipeline)},
        )
        try:
            return pipelines.join_pipeline(opened, graph, opening)
        except UserErrorException as error:
            pipelines.record_refusal(opened, graph, opening, error)
            raise

    def _after(self, opened: services.Services, context: Mapping[str, Any], pipeline_run_id: str) -> None:
        if not self.is_by_hand:
            super()._after(opened, context, pipeline_run_id)
            return
        pipelines.close_if_idle(opened, pipeline_run_id)

    def _handed_on(self, context: Mapping[str, Any]) -> Mapping[str, Json]:
        sources = [port.source for port in self.step.inputs]
        return {
            source.task_id: context["ti"].xcom_pull(task_ids=source.task_id)
            for source in sources
            if isinstance(source, TaskSource)
        }


def ref_of(writer: StepWriter, made: WrittenStep) -> PipelineRef:
    """Return what the task of a step that is written by hand knows of its pipeline: itself."""
    return PipelineRef(graph=made.graph, experiment=writer.experiment, continue_on_failure=True, has_templates=True)
