"""A step that searches for a model and its run (`azureml.pipeline.steps.AutoMLStep`): a later version."""

from __future__ import annotations

from airflow_ml.pipeline.core.builder import PipelineStep
from airflow_ml.pipeline.steps._later import later
from airflow_ml.train.automl.run import AutoMLRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.pipeline.core.port_data_reference import StepRunOutput
    from airflow_ml.pipeline.core.run import StepRun
    from airflow_ml.train.automl.automlconfig import AutoMLConfig

__all__ = ["AutoMLStep", "AutoMLStepRun"]

_INSTEAD = "use a PythonScriptStep whose script calls an AutoML package of your choice (FLAML, auto-sklearn, AutoGluon)"


class AutoMLStep(PipelineStep):
    """Search for a model automatically."""

    def __init__(
        self,
        name: str,
        automl_config: AutoMLConfig,
        inputs: Sequence[object] | None = None,
        outputs: Sequence[object] | None = None,
        script_repl_params: Mapping[str, object] | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
        hash_paths: Sequence[str] | None = None,
        enable_default_model_output: bool = True,
        enable_default_metrics_output: bool = True,
        **kwargs: object,
    ) -> None:
        raise later(self, name, _INSTEAD)


class AutoMLStepRun(AutoMLRun):
    """The run of an AutoMLStep."""

    def __init__(self, step_run: StepRun) -> None:
        raise later(self, None, _INSTEAD)

    def get_default_metrics_output(self) -> StepRunOutput:
        """Return the output with the metrics of all models."""
        raise later(self, None, _INSTEAD)

    def get_default_model_output(self) -> StepRunOutput:
        """Return the output with the best model."""
        raise later(self, None, _INSTEAD)
