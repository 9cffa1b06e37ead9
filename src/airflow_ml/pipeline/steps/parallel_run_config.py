"""The settings of ParallelRunStep (`azureml.pipeline.steps.ParallelRunConfig`): a later version has them."""

from __future__ import annotations

from airflow_ml._refusals import not_yet
from airflow_ml.pipeline.steps._later import later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.environment import Environment
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter

__all__ = ["ParallelRunConfig"]

_INSTEAD = (
    "use a PythonScriptStep whose script loads the inputs and goes through the batches itself, or one step for each "
    "part of the data"
)


class ParallelRunConfig:
    """How a ParallelRunStep cuts its inputs into mini-batches and runs them."""

    def __init__(
        self,
        environment: Environment,
        entry_script: str,
        error_threshold: int,
        output_action: str,
        compute_target: ComputeTarget | str,
        node_count: int | PipelineParameter,
        process_count_per_node: int | PipelineParameter | None = None,
        mini_batch_size: str | int | PipelineParameter | None = None,
        source_directory: str | None = None,
        description: str | None = None,
        logging_level: str | PipelineParameter = "INFO",
        run_invocation_timeout: int | PipelineParameter = 60,
        run_max_try: int | PipelineParameter = 3,
        append_row_file_name: str | None = None,
        allowed_failed_count: int | None = None,
        allowed_failed_percent: float | None = None,
        partition_keys: Sequence[str] | PipelineParameter | None = None,
        environment_variables: Mapping[str, str] | None = None,
    ) -> None:
        raise later(self, None, _INSTEAD)

    @property
    def environment_variables(self) -> dict[str, str]:
        """Environment variables of the entry script."""
        raise later(self, None, _INSTEAD)

    @environment_variables.setter
    def environment_variables(self, value: Mapping[str, str]) -> None:
        raise later(self, None, _INSTEAD)

    @staticmethod
    def load_yaml(workspace: Workspace, path: str) -> ParallelRunConfig:
        """Read the settings from a YAML file."""
        raise not_yet("ParallelRunConfig.load_yaml", _INSTEAD)

    def save_to_yaml(self, path: str) -> None:
        """Write the settings to a YAML file."""
        raise later(self, None, _INSTEAD)
