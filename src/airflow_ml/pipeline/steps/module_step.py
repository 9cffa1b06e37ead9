"""A step that runs a registered module (`azureml.pipeline.steps.ModuleStep`): a later version has it."""

from __future__ import annotations

from airflow_ml.pipeline.core.builder import PipelineStep
from airflow_ml.pipeline.steps._later import later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.runconfig import RunConfiguration
    from airflow_ml.pipeline.core.module import Module, ModuleVersion

__all__ = ["ModuleStep"]

_INSTEAD = (
    "use the step that the module was made from: a function that returns a PythonScriptStep can be shared "
    "between pipelines"
)


class ModuleStep(PipelineStep):
    """Run a version of a registered module."""

    def __init__(
        self,
        module: Module | None = None,
        version: str | None = None,
        module_version: ModuleVersion | None = None,
        inputs_map: Mapping[str, object] | None = None,
        outputs_map: Mapping[str, object] | None = None,
        compute_target: ComputeTarget | str | tuple[str, str] | None = None,
        runconfig: RunConfiguration | None = None,
        runconfig_pipeline_params: Mapping[str, object] | None = None,
        arguments: Sequence[object] | None = None,
        params: Mapping[str, object] | None = None,
        name: str | None = None,
        _workflow_provider: object = None,
    ) -> None:
        raise later(self, name, _INSTEAD)
