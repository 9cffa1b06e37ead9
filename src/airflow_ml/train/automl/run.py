"""The run of an automatic search (`azureml.train.automl.run.AutoMLRun`): a later version has it."""

from __future__ import annotations

from airflow_ml._refusals import not_yet
from airflow_ml.core.run import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from airflow_ml.core.experiment import Experiment
    from airflow_ml.core.model import Model

__all__ = ["AutoMLRun"]

_INSTEAD = "run an AutoML package of your choice in a PythonScriptStep, and log its scores there"


class AutoMLRun(Run):
    """The run of an automatic search; its children are the models."""

    def __init__(self, experiment: Experiment, run_id: str, **kwargs: object) -> None:
        raise not_yet(type(self).__name__, _INSTEAD)

    @property
    def run_id(self) -> str:
        """The run's id."""
        raise not_yet("AutoMLRun", _INSTEAD)

    def cancel(self) -> None:
        """End the search."""
        raise not_yet("AutoMLRun.cancel", _INSTEAD)

    def cancel_iteration(self, iteration: int) -> None:
        """End one model's training."""
        raise not_yet("AutoMLRun.cancel_iteration", _INSTEAD)

    def complete(self, **kwargs: object) -> None:  # type: ignore[override]  # v1's own signature
        """Refused by v1 too: a search says itself how it ends."""
        raise not_yet("AutoMLRun.complete", _INSTEAD)

    def continue_experiment(
        self,
        X: object = None,
        y: object = None,
        sample_weight: object = None,
        X_valid: object = None,
        y_valid: object = None,
        sample_weight_valid: object = None,
        data: object = None,
        label: object = None,
        columns: object = None,
        cv_splits_indices: object = None,
        spark_context: object = None,
        experiment_timeout_hours: float | None = None,
        experiment_exit_score: float | None = None,
        iterations: int | None = None,
        show_output: bool = False,
        training_data: object = None,
        validation_data: object = None,
        **kwargs: object,
    ) -> None:
        """Go on searching."""
        raise not_yet("AutoMLRun.continue_experiment", _INSTEAD)

    def fail(
        self, error_details: object = None, error_code: str | None = None, _set_status: bool = True, **kwargs: object
    ) -> None:
        """Refused by v1 too: a search says itself how it ends."""
        raise not_yet("AutoMLRun.fail", _INSTEAD)

    def get_best_child(self, metric: str | None = None, onnx_compatible: bool = False, **kwargs: object) -> Run:
        """Return the run of the best model."""
        raise not_yet("AutoMLRun.get_best_child", _INSTEAD)

    def get_guardrails(self, to_console: bool = True) -> dict[str, Any]:
        """Return what was found wrong with the data."""
        raise not_yet("AutoMLRun.get_guardrails", _INSTEAD)

    def get_output(
        self,
        iteration: int | None = None,
        metric: str | None = None,
        return_onnx_model: bool = False,
        return_split_onnx_model: object = None,
        **kwargs: object,
    ) -> tuple[Run, Any]:
        """Return the run of the best model, and the model."""
        raise not_yet("AutoMLRun.get_output", _INSTEAD)

    def get_run_sdk_dependencies(
        self, iteration: int | None = None, check_versions: bool = True, **kwargs: object
    ) -> dict[str, str]:
        """Return the packages that the search used."""
        raise not_yet("AutoMLRun.get_run_sdk_dependencies", _INSTEAD)

    def pause(self) -> None:
        """Stop the search for a while."""
        raise not_yet("AutoMLRun.pause", _INSTEAD)

    def register_model(  # type: ignore[override]  # v1's own signature
        self,
        model_name: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        iteration: int | None = None,
        metric: str | None = None,
    ) -> Model:
        """Register the best model."""
        raise not_yet("AutoMLRun.register_model", _INSTEAD)

    def resume(self) -> None:
        """Go on after a pause."""
        raise not_yet("AutoMLRun.resume", _INSTEAD)

    def retry(self) -> None:
        """Search again."""
        raise not_yet("AutoMLRun.retry", _INSTEAD)

    def summary(self) -> list[list[Any]]:
        """Return the models with their scores."""
        raise not_yet("AutoMLRun.summary", _INSTEAD)

    def wait_for_completion(  # type: ignore[override]  # v1's own signature
        self, show_output: bool = False, wait_post_processing: bool = False
    ) -> dict[str, Any]:
        """Wait until the search has ended."""
        raise not_yet("AutoMLRun.wait_for_completion", _INSTEAD)
