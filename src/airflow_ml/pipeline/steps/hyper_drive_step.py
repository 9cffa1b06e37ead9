"""A step that searches for hyperparameters and its run (`azureml.pipeline.steps.HyperDriveStep`): a later version."""

from __future__ import annotations

from airflow_ml.pipeline.core.builder import PipelineStep
from airflow_ml.pipeline.steps._later import later
from airflow_ml.train.hyperdrive.run import HyperDriveRun

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ml.pipeline.core.run import StepRun
    from airflow_ml.train.hyperdrive.runconfig import HyperDriveConfig

__all__ = ["HyperDriveStep", "HyperDriveStepRun"]

_INSTEAD = (
    "add one PythonScriptStep for each candidate, with its values as arguments, and a last step that compares "
    "their metrics"
)


class HyperDriveStep(PipelineStep):
    """Search for hyperparameters."""

    def __init__(
        self,
        name: str,
        hyperdrive_config: HyperDriveConfig,
        estimator_entry_script_arguments: Sequence[object] | None = None,
        inputs: Sequence[object] | None = None,
        outputs: Sequence[object] | None = None,
        metrics_output: object = None,
        allow_reuse: bool = True,
        version: str | None = None,
    ) -> None:
        raise later(self, name, _INSTEAD)


class HyperDriveStepRun(HyperDriveRun):
    """The run of a HyperDriveStep."""

    def __init__(self, step_run: StepRun) -> None:
        raise later(self, None, _INSTEAD)
