"""A step that runs an R script (`azureml.pipeline.steps.RScriptStep`): a later version has it."""

from __future__ import annotations

from airflow_ml.pipeline.core.builder import PipelineStep
from airflow_ml.pipeline.steps._later import later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.runconfig import RunConfiguration

__all__ = ["RScriptStep"]

_INSTEAD = (
    "use a PythonScriptStep whose script calls subprocess.run(['Rscript', ...], check=True), on a worker that has R"
)


class RScriptStep(PipelineStep):
    """Run an R script; v1 deprecated it."""

    def __init__(
        self,
        script_name: str,
        name: str | None = None,
        arguments: Sequence[object] | None = None,
        compute_target: ComputeTarget | str | tuple[str, str] | None = None,
        runconfig: RunConfiguration | None = None,
        runconfig_pipeline_params: Mapping[str, object] | None = None,
        inputs: Sequence[object] | None = None,
        outputs: Sequence[object] | None = None,
        params: Mapping[str, object] | None = None,
        source_directory: str | None = None,
        use_gpu: bool = False,
        custom_docker_image: str | None = None,
        cran_packages: Sequence[object] | None = None,
        github_packages: Sequence[object] | None = None,
        custom_url_packages: Sequence[str] | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
    ) -> None:
        raise later(self, name, _INSTEAD)
