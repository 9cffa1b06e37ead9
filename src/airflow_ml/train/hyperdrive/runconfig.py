"""The settings of a search (`azureml.train.hyperdrive.HyperDriveConfig`): a later version has them."""

from __future__ import annotations

from enum import Enum

from airflow_ml._refusals import not_yet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ml.core.run import Run
    from airflow_ml.core.runconfig import RunConfiguration
    from airflow_ml.core.script_run_config import ScriptRunConfig
    from airflow_ml.train.hyperdrive.policy import EarlyTerminationPolicy
    from airflow_ml.train.hyperdrive.sampling import HyperParameterSampling

__all__ = ["HyperDriveConfig", "HyperDriveRunConfig", "PrimaryMetricGoal"]

_INSTEAD = (
    "add one PythonScriptStep for each candidate, with its values as arguments, and a last step that compares their "
    "metrics"
)


class PrimaryMetricGoal(Enum):
    """Whether more or less of a metric is better."""

    MAXIMIZE = "MAXIMIZE"
    MINIMIZE = "MINIMIZE"


class HyperDriveConfig:
    """What a search tries, how it compares, and when it stops."""

    def __init__(
        self,
        hyperparameter_sampling: HyperParameterSampling,
        primary_metric_name: str,
        primary_metric_goal: PrimaryMetricGoal,
        max_total_runs: int,
        max_concurrent_runs: int | None = None,
        max_duration_minutes: int = 10080,
        policy: EarlyTerminationPolicy | None = None,
        estimator: object = None,
        run_config: ScriptRunConfig | None = None,
        resume_from: Run | Sequence[Run] | None = None,
        resume_child_runs: Run | Sequence[Run] | None = None,
        pipeline: object = None,
        debug_flag: object = None,
        custom_run_id: str | None = None,
    ) -> None:
        raise not_yet(type(self).__name__, _INSTEAD)

    @property
    def estimator(self) -> object:
        """The estimator whose script is tried."""
        raise not_yet("HyperDriveConfig", _INSTEAD)

    @property
    def pipeline(self) -> object:
        """The pipeline that is tried."""
        raise not_yet("HyperDriveConfig", _INSTEAD)

    @property
    def run_config(self) -> RunConfiguration:
        """The run configuration of the script that is tried."""
        raise not_yet("HyperDriveConfig", _INSTEAD)

    @property
    def source_directory(self) -> str:
        """The folder of the script that is tried."""
        raise not_yet("HyperDriveConfig", _INSTEAD)


class HyperDriveRunConfig(HyperDriveConfig):
    """v1's older name of HyperDriveConfig."""
