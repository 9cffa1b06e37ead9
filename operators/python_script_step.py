"""A Python script step written by hand into a DAG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.operators._by_hand import ByHandOperator, ref_of
from airflow_ml.operators._context import map_index_of
from airflow_ml.operators._failures import airflow_failures
from airflow_ml.operators._writing import STEP_ARGUMENTS, StepWriter
from airflow_ml.translation.pipeline_ref import PipelineRef

if TYPE_CHECKING:
    from airflow.sdk.definitions.mappedoperator import OperatorPartial

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.execution import pipelines, services
    from airflow_ml.graph import Json, Step
    from airflow_ml.operators import _mapping
else:
    _mapping = late("airflow_ml.operators._mapping")
    pipelines = late("airflow_ml.execution.pipelines")
    services = late("airflow_ml.execution.services")

__all__ = ["PythonScriptStepOperator"]


class PythonScriptStepOperator(ByHandOperator):
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
        self.written = {}
        if pipeline is not None and step is not None:
            super().__init__(task_id=task_id, pipeline=pipeline, step=step, **kwargs)
            return
        if writer is not None:
            with airflow_failures():
                made = _mapping.write_mapped(writer, arguments=arguments, inputs=inputs)
            super().__init__(task_id=task_id, pipeline=ref_of(writer, made), step=made.step, **kwargs)
            self.face = made.face
            # The mapped values, which come behind, may be those of other tasks: data, and no text of the DAG file.
            self.templated_arguments = len(writer.given.get("arguments") or ())
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
        self._write_by_hand(writer, task_id=task_id, **kwargs)

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
        if self.is_by_hand:
            with airflow_failures():
                self._write_out(context)
        if self.is_by_hand and index >= 0:
            self.step = replace(self.step, id=f"{self.step.id}[{index}]")
            self.pipeline = replace(self.pipeline, graph=replace(self.pipeline.graph, steps=(self.step,)))
        return super().execute(context)
