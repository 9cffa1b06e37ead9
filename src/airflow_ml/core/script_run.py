"""Runs of submitted scripts (`azureml.core.script_run`)."""

from __future__ import annotations

from airflow_ml.core.run import Run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.core.runconfig import RunConfiguration

__all__ = ["ScriptRun"]


class ScriptRun(Run):
    """
    The run of a script that was submitted with a ScriptRunConfig.

    Args:
        directory: accepted without effect, the code that ran is in the run's snapshot.
    """

    RUN_TYPE = "azureml.scriptrun"

    def __init__(
        self,
        experiment: Experiment,
        run_id: str,
        directory: str | None = None,
        _run_config: RunConfiguration | None = None,
        **kwargs: object,
    ) -> None:
        super().__init__(experiment, run_id)

    def cancel(self) -> None:
        """Ask the run to end: its script is stopped, with everything that it started."""
        super().cancel()
