"""A Python script step written by hand into a DAG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.exceptions import GraphError, UserErrorException
from airflow_ml.graph import TaskSource
from airflow_ml.operators._context import dag_run_of, given_parameters, map_index_of, reuse_mode_of, run_source_of
from airflow_ml.operators._failures import airflow_failures
from airflow_ml.operators._writing import STEP_ARGUMENTS, StepWriter, dag_of, producers_of
from airflow_ml.operators.step import StepOperator
from airflow_ml.translation.assets import assets_of
from airflow_ml.translation.params import add_params
from airflow_ml.translation.pipeline_ref import PipelineRef
from airflow_ml.translation.pools import pool_arguments
from airflow_ml.translation.reuse_param import add_reuse_param

if TYPE_CHECKING:
    from collections.abc import Hashable

    from airflow.sdk.definitions.mappedoperator import OperatorPartial

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.execution import pipelines, services
    from airflow_ml.graph import Json, Step, StepOutputSource
    from airflow_ml.operators import _mapping
    from airflow_ml.operators._writing import WrittenStep
    from airflow_ml.registry import RunRecord
else:
    _mapping = late("airflow_ml.operators._mapping")
    pipelines = late("airflow_ml.execution.pipelines")
    services = late("airflow_ml.execution.services")

__all__ = ["PythonScriptStepOperator"]

#: Stands where pipelines have their task group, so that the DAG may hold both; no task group can be called like this.
_BY_HAND = "*"


class PythonScriptStepOperator(StepOperator):
    """
    Runs a Python script as a step: of a translated pipeline, or in a DAG that is written by hand.

    By hand it takes what `PythonScriptStep` takes. Where it reads an output (a PipelineData, an output configuration)
    of another such operator of the DAG, or a `DatasetInputOperator`, it is put behind that task. All such operators
    of a DAG run belong to one pipeline run of the workspace; independent ones go on when one fails, as Airflow tasks
    do.

    Args:
        workspace: where the run is recorded and outputs go; needed by hand.
        script_name: path inside `source_directory`, which is relative to the DAG file; needed by hand.
        experiment: collects the runs; default: the DAG's id.
        pipeline: what the tasks of a translated pipeline share; given by `Pipeline.to_dag` together with `step`.
        writer: given by Airflow to each step of a mapped task.

    Raises:
        ValueError: what `PythonScriptStep` and `Pipeline` raise, or no DAG is being written.
    """

    def __init__(
        self,
        *,
        task_id: str,
        workspace: Workspace | None = None,
        script_name: str | None = None,
        experiment: str | None = None,
        arguments: Sequence[object] | None = None,
        inputs: Sequence[object] | None = None,
        outputs: Sequence[object] | None = None,
        pipeline: PipelineRef | None = None,
        step: Step | None = None,
        writer: StepWriter | None = None,
        **kwargs: Any,
    ) -> None:
        self.is_by_hand = pipeline is None or step is None
        self.written: Mapping[Hashable, StepOutputSource] = {}
        if pipeline is not None and step is not None:
            super().__init__(task_id=task_id, pipeline=pipeline, step=step, **kwargs)
            return
        if writer is not None:
            with airflow_failures():
                made = _mapping.write_mapped(writer, arguments=arguments, inputs=inputs)
            super().__init__(task_id=task_id, pipeline=_ref(writer, made), step=made.step, **kwargs)
            self.face = made.face
            return
        own = {name: kwargs.pop(name) for name in STEP_ARGUMENTS & set(kwargs)}
        writer = StepWriter.begin(
            kwargs,
            task_id=task_id,
            workspace=workspace,
            script_name=script_name,
            experiment=experiment,
            given={"arguments": arguments, "inputs": inputs, "outputs": outputs, **own},
        )
        made = writer.write()
        dag = dag_of(kwargs, task_id)
        add_params(dag.params, made.graph.parameters, where=f"task {writer.step_id!r}")
        pool = {} if "pool" in kwargs else pool_arguments(made.graph, made.step)
        arguments_of_task = {"trigger_rule": "all_success", **pool, **kwargs}
        super().__init__(task_id=task_id, pipeline=_ref(writer, made), step=made.step, **arguments_of_task)
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

    @classmethod
    def partial(cls, *, task_id: str, **given: Any) -> OperatorPartial:
        """
        Write a mapped step: `expand(arguments=...)` or `expand_kwargs(...)` make a step for each value, in the run.

        `arguments` and `inputs` can be mapped, and what Airflow takes for any operator. What is given here of the two
        stands before the mapped values in each step. Each step has its own run, named after its map index, and is
        reused by its values: their order does not count.

        Raises:
            ValueError: as the constructor; also an output whose destination is the same for all of the steps.
        """
        return _mapping.begin_mapping(cls, task_id, given)

    def execute(self, context: Mapping[str, Any]) -> dict[str, Json]:
        """Run the step and return what its XCom holds; a mapped one by the id of its map index."""
        index = map_index_of(context)
        if self.is_by_hand and index >= 0:
            self.step = replace(self.step, id=f"{self.step.id}[{index}]")
            self.pipeline = replace(self.pipeline, graph=replace(self.pipeline.graph, steps=(self.step,)))
        return super().execute(context)

    def _pipeline_run(self, opened: services.Services, context: Mapping[str, Any]) -> RunRecord:
        if not self.is_by_hand:
            return super()._pipeline_run(opened, context)
        dag_id, dag_run_id = dag_run_of(context)
        graph = self.pipeline.graph
        opening = pipelines.Opening(
            experiment=self.pipeline.experiment,
            dag_id=dag_id,
            dag_run_id=dag_run_id,
            group_id=_BY_HAND,
            run_source=run_source_of(context),
            parameters=given_parameters(context, graph, is_whole_dag=False),
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


def _ref(writer: StepWriter, made: WrittenStep) -> PipelineRef:
    return PipelineRef(graph=made.graph, experiment=writer.experiment, continue_on_failure=True)
