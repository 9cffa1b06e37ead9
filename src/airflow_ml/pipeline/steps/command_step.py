"""A step that runs a command line (`azureml.pipeline.steps.CommandStep`): a later version has it."""

from __future__ import annotations

from airflow_ml.pipeline.core.builder import PipelineStep
from airflow_ml.pipeline.steps._later import later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.runconfig import RunConfiguration

__all__ = ["CommandStep"]

_INSTEAD = "use a PythonScriptStep whose script starts the command with subprocess.run([...], check=True)"


class CommandStep(PipelineStep):
    """Run a command line."""

    def __init__(
        self,
        command: str | Sequence[object] | None = None,
        name: str | None = None,
        compute_target: ComputeTarget | str | tuple[str, str] | None = None,
        runconfig: RunConfiguration | None = None,
        runconfig_pipeline_params: Mapping[str, object] | None = None,
        inputs: Sequence[object] | None = None,
        outputs: Sequence[object] | None = None,
        params: Mapping[str, object] | None = None,
        source_directory: str | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
    ) -> None:
        raise later(self, name, _INSTEAD)
