"""A step that copies data between datastores (`azureml.pipeline.steps.DataTransferStep`): a later version has it."""

from __future__ import annotations

from airflow_ml.pipeline.core.builder import PipelineStep
from airflow_ml.pipeline.steps._later import later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.pipeline.core.pipeline_data import PipelineData

__all__ = ["DataTransferStep"]

_INSTEAD = (
    "use a PythonScriptStep with the source as an input and the destination as an output "
    "(OutputFileDatasetConfig(destination=(datastore, path))), whose script copies with shutil.copytree"
)


class DataTransferStep(PipelineStep):
    """Copy data from one datastore to another."""

    def __init__(
        self,
        name: str,
        source_data_reference: object = None,
        destination_data_reference: object = None,
        compute_target: ComputeTarget | str | tuple[str, str] | None = None,
        source_reference_type: str | None = None,
        destination_reference_type: str | None = None,
        allow_reuse: bool = True,
    ) -> None:
        raise later(self, name, _INSTEAD)

    def get_output(self) -> PipelineData:
        """Return what a later step takes as input to wait for the copy and to read it."""
        raise later(self, self.name, _INSTEAD)
