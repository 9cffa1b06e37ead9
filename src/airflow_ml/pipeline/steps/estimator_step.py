"""A step that runs an estimator (`azureml.pipeline.steps.EstimatorStep`): a later version has it."""

from __future__ import annotations

from airflow_ml.pipeline.steps._later import later
from airflow_ml.pipeline.steps.python_script_step import PythonScriptStep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.core.compute.compute import ComputeTarget

__all__ = ["EstimatorStep"]

_INSTEAD = "use a PythonScriptStep with the same script, and a RunConfiguration with the same environment"


class EstimatorStep(PythonScriptStep):
    """Run an estimator; v1 deprecated it."""

    def __init__(
        self,
        name: str | None = None,
        estimator: object = None,
        estimator_entry_script_arguments: Sequence[object] | None = None,
        runconfig_pipeline_params: Mapping[str, object] | None = None,
        inputs: Sequence[object] | None = None,
        outputs: Sequence[object] | None = None,
        compute_target: ComputeTarget | str | tuple[str, str] | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
    ) -> None:
        raise later(self, name, _INSTEAD)
