"""The run of a search (`azureml.train.hyperdrive.HyperDriveRun`): a later version has it."""

from __future__ import annotations

from airflow_ml._refusals import not_yet
from airflow_ml.core.run import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from airflow_ml.core.experiment import Experiment
    from airflow_ml.train.hyperdrive.runconfig import HyperDriveConfig

__all__ = ["HyperDriveRun"]

_INSTEAD = "run the candidates as steps of a pipeline, and compare step_run.get_metrics() of pipeline_run.get_steps()"


class HyperDriveRun(Run):
    """The run of a search; its children are the candidates."""

    RUN_TYPE = "hyperdrive"

    def __init__(
        self, experiment: Experiment, run_id: str, hyperdrive_config: HyperDriveConfig | None = None, **kwargs: object
    ) -> None:
        raise not_yet(type(self).__name__, _INSTEAD)

    @property
    def hyperdrive_config(self) -> HyperDriveConfig:
        """The settings of the search."""
        raise not_yet("HyperDriveRun", _INSTEAD)

    def cancel(self) -> None:
        """End the search and its candidates."""
        raise not_yet("HyperDriveRun", _INSTEAD)

    def fail(self) -> None:  # type: ignore[override]  # v1's own signature
        """Refused by v1 too: a search says itself how it ends."""
        raise not_yet("HyperDriveRun", _INSTEAD)

    def get_best_run_by_primary_metric(
        self, include_failed: bool = True, include_canceled: bool = True, include_resume_from_runs: bool = True
    ) -> Run | None:
        """Return the candidate with the best metric."""
        raise not_yet("HyperDriveRun", _INSTEAD)

    def get_children_sorted_by_primary_metric(
        self, top: int = 0, reverse: bool = False, discard_no_metric: bool = False
    ) -> list[dict[str, Any]]:
        """Return the candidates, best first."""
        raise not_yet("HyperDriveRun", _INSTEAD)

    def get_diagnostics(self) -> str:
        """Return what the search wrote about itself."""
        raise not_yet("HyperDriveRun", _INSTEAD)

    def get_hyperparameters(self) -> dict[str, str]:
        """Return the candidates' ids with their values."""
        raise not_yet("HyperDriveRun", _INSTEAD)

    def get_metrics(self) -> dict[str, dict[str, Any]]:  # type: ignore[override]  # v1's own signature
        """Return the candidates' ids with their metrics."""
        raise not_yet("HyperDriveRun", _INSTEAD)
