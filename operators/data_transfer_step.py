"""A step that copies data, written by hand into a DAG or of a translated pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from airflow_ml.exceptions import GraphError
from airflow_ml.operators._by_hand import ByHandOperator
from airflow_ml.operators._writing import StepWriter, WrittenStep
from airflow_ml.pipeline.steps import DataTransferStep

if TYPE_CHECKING:
    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph import Step
    from airflow_ml.pipeline.core import PipelineData
    from airflow_ml.translation.pipeline_ref import PipelineRef

__all__ = ["DataTransferStepOperator"]


class DataTransferStepOperator(ByHandOperator):
    """
    Copies data from one datastore to another as a step.

    By hand it takes what `DataTransferStep` takes; `get_output()` is what a later operator reads.

    Args:
        workspace: where the run is recorded; needed by hand.
        experiment: collects the runs; default: the DAG's id.
        pipeline: what the tasks of a translated pipeline share; given by `Pipeline.to_dag` together with `step`.

    Raises:
        ValueError: what `DataTransferStep` and `Pipeline` raise, or no DAG is being written.
    """

    def __init__(
        self,
        *,
        task_id: str,
        workspace: Workspace | None = None,
        source_data_reference: object = None,
        destination_data_reference: object = None,
        compute_target: ComputeTarget | str | tuple[str, str] | None = None,
        source_reference_type: str | None = None,
        destination_reference_type: str | None = None,
        allow_reuse: bool = True,
        experiment: str | None = None,
        pipeline: PipelineRef | None = None,
        step: Step | None = None,
        **kwargs: Any,
    ) -> None:
        self.is_by_hand = pipeline is None or step is None
        self.written = {}
        if pipeline is not None and step is not None:
            super().__init__(task_id=task_id, pipeline=pipeline, step=step, **kwargs)
            return
        if workspace is None:
            raise GraphError(f"task {task_id!r}: give workspace")
        given = {
            "source_data_reference": source_data_reference,
            "destination_data_reference": destination_data_reference,
            "compute_target": compute_target,
            "source_reference_type": source_reference_type,
            "destination_reference_type": destination_reference_type,
            "allow_reuse": allow_reuse,
        }
        writer = _TransferWriter.begin(
            kwargs, task_id=task_id, workspace=workspace, script_name="", experiment=experiment, given=given
        )
        self._write_by_hand(writer, task_id=task_id, **kwargs)

    @classmethod
    def partial(cls, *, task_id: str, **_given: Any) -> NoReturn:
        """
        Refuse to be mapped.

        Raises:
            ValueError: always; it says what to do instead.
        """
        raise GraphError(
            f"task {task_id!r}: a {cls.__name__} cannot be mapped; make one for each copy in a loop of the DAG file"
        )

    def get_output(self) -> PipelineData:
        """
        Return what a later operator takes as input to wait for the copy and to read it.

        Raises:
            ValueError: the operator belongs to a translated pipeline, whose steps were wired before.
        """
        if not isinstance(getattr(self, "face", None), DataTransferStep):
            raise GraphError(f"task {self.task_id!r}: belongs to a pipeline; use the step's get_output")
        output: PipelineData = self.face.get_output()  # type: ignore[attr-defined]
        return output


class _TransferWriter(StepWriter):
    """What is known of a transfer where its operator is written."""

    def write(self, **more: object) -> WrittenStep:
        """Write the step."""
        return self.assembled(DataTransferStep(self.name, **{**self.given, **more}))
