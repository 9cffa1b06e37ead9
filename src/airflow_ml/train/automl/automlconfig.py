"""The settings of an automatic search (`azureml.train.automl.AutoMLConfig`): a later version has them."""

from __future__ import annotations

from airflow_ml._refusals import not_yet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["AutoMLConfig"]

_INSTEAD = "use a PythonScriptStep whose script calls an AutoML package of your choice (FLAML, auto-sklearn, AutoGluon)"


class AutoMLConfig:
    """What an automatic search tries, on which data, and for how long."""

    def __init__(
        self,
        task: str,
        path: str | None = None,
        iterations: int | None = None,
        primary_metric: str | None = None,
        positive_label: object = None,
        compute_target: object = None,
        spark_context: object = None,
        X: object = None,
        y: object = None,
        sample_weight: object = None,
        X_valid: object = None,
        y_valid: object = None,
        sample_weight_valid: object = None,
        cv_splits_indices: Sequence[Sequence[object]] | None = None,
        validation_size: float | None = None,
        n_cross_validations: int | str | None = None,
        y_min: float | None = None,
        y_max: float | None = None,
        num_classes: int | None = None,
        featurization: object = "auto",
        max_cores_per_iteration: int = 1,
        max_concurrent_iterations: int = 1,
        iteration_timeout_minutes: int | None = None,
        mem_in_mb: int | None = None,
        enforce_time_on_windows: bool = False,
        experiment_timeout_hours: float | None = None,
        experiment_exit_score: float | None = None,
        enable_early_stopping: bool = True,
        blocked_models: Sequence[str] | None = None,
        blacklist_models: Sequence[str] | None = None,
        exclude_nan_labels: bool = True,
        verbosity: int = 20,
        enable_tf: bool = False,
        model_explainability: bool = True,
        allowed_models: Sequence[str] | None = None,
        whitelist_models: Sequence[str] | None = None,
        enable_onnx_compatible_models: bool = False,
        enable_voting_ensemble: bool = True,
        enable_stack_ensemble: bool | None = None,
        debug_log: str = "automl.log",
        training_data: object = None,
        validation_data: object = None,
        test_data: object = None,
        test_size: float | None = None,
        label_column_name: str | None = None,
        weight_column_name: str | None = None,
        cv_split_column_names: Sequence[str] | None = None,
        enable_local_managed: bool = False,
        enable_dnn: bool | None = None,
        forecasting_parameters: object = None,
        **kwargs: object,
    ) -> None:
        raise not_yet(type(self).__name__, _INSTEAD)

    def as_serializable_dict(self) -> dict[str, Any]:
        """Return the settings as plain data."""
        raise not_yet("AutoMLConfig", _INSTEAD)

    @classmethod
    def get_supported_dataset_languages(cls, use_gpu: bool) -> dict[Any, Any]:
        """Return the languages that text columns may have."""
        raise not_yet("AutoMLConfig.get_supported_dataset_languages", _INSTEAD)
