"""A step that runs on a Synapse Spark pool (`azureml.pipeline.steps.SynapseSparkStep`): a later version has it."""

from __future__ import annotations

from airflow_ml.pipeline.core.builder import PipelineStep
from airflow_ml.pipeline.steps._later import later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.environment import Environment

__all__ = ["SynapseSparkStep"]

_INSTEAD = (
    "use a PythonScriptStep that starts Spark itself, or Airflow's own Spark and Synapse operators beside the "
    "pipeline's task group"
)


class SynapseSparkStep(PipelineStep):
    """Run a Spark program on a Synapse pool."""

    def __init__(
        self,
        file: str,
        source_directory: str | None,
        compute_target: ComputeTarget | str | tuple[str, str],
        driver_memory: str,
        driver_cores: int,
        executor_memory: str,
        executor_cores: int,
        num_executors: int,
        name: str | None = None,
        app_name: str | None = None,
        environment: Environment | None = None,
        arguments: Sequence[object] | None = None,
        inputs: Sequence[object] | None = None,
        outputs: Sequence[object] | None = None,
        conf: Mapping[str, str] | None = None,
        py_files: Sequence[str] | None = None,
        jars: Sequence[str] | None = None,
        files: Sequence[str] | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
    ) -> None:
        raise later(self, name, _INSTEAD)
