"""The settings of a search for image models (`azureml.train.automl.AutoMLImageConfig`): a later version has them."""

from __future__ import annotations

from airflow_ml._refusals import not_yet
from airflow_ml.train.automl.automlconfig import AutoMLConfig

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ml.data.tabular_dataset import TabularDataset
    from airflow_ml.train.hyperdrive.policy import EarlyTerminationPolicy
    from airflow_ml.train.hyperdrive.sampling import HyperParameterSampling

__all__ = ["AutoMLImageConfig"]


class AutoMLImageConfig(AutoMLConfig):
    """What a search for image models tries."""

    def __init__(
        self,
        task: object,
        compute_target: object,
        training_data: TabularDataset,
        hyperparameter_sampling: HyperParameterSampling,
        iterations: int,
        max_concurrent_iterations: int | None = None,
        experiment_timeout_hours: float | None = None,
        early_termination_policy: EarlyTerminationPolicy | None = None,
        validation_data: TabularDataset | None = None,
        arguments: Sequence[object] | None = None,
        **kwargs: object,
    ) -> None:
        raise not_yet("AutoMLImageConfig", "use a PythonScriptStep whose script trains with a package of your choice")
