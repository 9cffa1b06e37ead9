"""A step that runs a program on Azure Batch (`azureml.pipeline.steps.AzureBatchStep`): a later version has it."""

from __future__ import annotations

from airflow_ml.pipeline.core.builder import PipelineStep
from airflow_ml.pipeline.steps._later import later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ml.core.compute.compute import ComputeTarget

__all__ = ["AzureBatchStep"]

_INSTEAD = (
    "use a PythonScriptStep whose script starts the program with subprocess.run, or Airflow's AzureBatchOperator "
    "beside the pipeline's task group"
)


class AzureBatchStep(PipelineStep):
    """Run a program on Azure Batch."""

    def __init__(
        self,
        name: str,
        create_pool: bool = False,
        pool_id: str | None = None,
        delete_batch_job_after_finish: bool = True,
        delete_batch_pool_after_finish: bool = False,
        is_positive_exit_code_failure: bool = True,
        vm_image_urn: str = "urn:MicrosoftWindowsServer:WindowsServer:2012-R2-Datacenter",
        run_task_as_admin: bool = False,
        target_compute_nodes: int = 1,
        vm_size: str = "standard_d1_v2",
        source_directory: str | None = None,
        executable: str | None = None,
        arguments: Sequence[object] | None = None,
        inputs: Sequence[object] | None = None,
        outputs: Sequence[object] | None = None,
        allow_reuse: bool = True,
        compute_target: ComputeTarget | str | tuple[str, str] | None = None,
        version: str | None = None,
    ) -> None:
        raise later(self, name, _INSTEAD)
