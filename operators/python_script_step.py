"""A Python script step written by hand into a DAG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions._internal.contextmanager import DagContext, TaskGroupContext

from airflow_ml._late import late
from airflow_ml.data._caller import base_directory
from airflow_ml.exceptions import GraphError, UserErrorException
from airflow_ml.graph import StepOutputSource, TaskSource
from airflow_ml.operators._context import dag_run_of, given_parameters, is_mapped, reuse_mode_of, run_source_of
from airflow_ml.operators.step import StepOperator
from airflow_ml.pipeline.core._assembly import AssemblyOptions, assemble_step
from airflow_ml.pipeline.steps import PythonScriptStep
from airflow_ml.translation.params import add_params
from airflow_ml.translation.pipeline_ref import PipelineRef
from airflow_ml.translation.pools import pool_arguments
from airflow_ml.translation.reuse_param import add_reuse_param

if TYPE_CHECKING:
    from collections.abc import Hashable

    from airflow.sdk import DAG

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.execution import pipelines, services
    from airflow_ml.graph import Json, Step
    from airflow_ml.registry import RunRecord
else:
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
        **kwargs: Any,
    ) -> None:
        self.is_by_hand = pipeline is None or step is None
        self.written: Mapping[Hashable, StepOutputSource] = {}
        if pipeline is not None and step is not None:
            super().__init__(task_id=task_id, pipeline=pipeline, step=step, **kwargs)
            return
        if workspace is None or script_name is None:
            raise GraphError(f"task {task_id!r}: give workspace and script_name")
        dag = kwargs.get("dag") or DagContext.get_current()
        if dag is None:
            raise GraphError(f"task {task_id!r}: no DAG is being written; write it inside `with DAG(...)`")
        group = kwargs.get("task_group") or TaskGroupContext.get_current(dag)
        step_id = group.child_id(task_id) if group is not None else task_id
        own = {name: kwargs.pop(name) for name in _STEP_ARGUMENTS & set(kwargs)}
        face = PythonScriptStep(script_name, task_id, arguments, inputs=inputs, outputs=outputs, **own)
        options = AssemblyOptions(
            name=dag.dag_id,
            workspace=workspace.ref,
            base_directory=base_directory(),
            declarations=tuple(workspace._compute_declarations),
        )
        graph, written = assemble_step(face, step_id, options, _written_in(dag))
        add_params(dag.params, graph.parameters, where=f"task {step_id!r}")
        ref = PipelineRef(graph=graph, experiment=experiment or dag.dag_id, continue_on_failure=True)
        pool = {} if "pool" in kwargs else pool_arguments(graph, graph.steps[0])
        arguments_of_task = {"trigger_rule": "all_success", **pool, **kwargs}
        super().__init__(task_id=task_id, pipeline=ref, step=graph.steps[0], **arguments_of_task)
        add_reuse_param(dag.params)
        self.written = written
        self.face = face  # outputs are told apart by identity, so their objects must live as long as the operator
        for source in (port.source for port in self.step.inputs):
            if isinstance(source, StepOutputSource):
                self.set_upstream(dag.get_task(source.step))
            if isinstance(source, TaskSource):
                self.set_upstream(dag.get_task(source.task_id))

    def _pipeline_run(self, opened: services.Services, context: Mapping[str, Any]) -> RunRecord:
        if not self.is_by_hand:
            return super()._pipeline_run(opened, context)
        if is_mapped(context):
            raise UserErrorException(
                f"{self.title} stands in a mapped task group, where a step that is written by hand cannot run: its"
                " outputs would be those of every value; make the steps a Pipeline, and use its to_task_group there"
            )
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


_STEP_ARGUMENTS = frozenset(
    {
        "allow_reuse",
        "compute_target",
        "hash_paths",
        "ignore_in_fingerprint",
        "normalise_outputs",
        "reuse_policy",
        "runconfig",
        "runconfig_pipeline_params",
        "source_directory",
        "version",
    }
)


def _written_in(dag: DAG) -> Mapping[Hashable, StepOutputSource]:
    """Return what the DAG's operators write so far, by the identity of the objects that consumers hold."""
    found: dict[Hashable, StepOutputSource] = {}
    for task in dag.tasks:
        if isinstance(task, PythonScriptStepOperator):
            found.update(task.written)
    return found
