"""One step of a pipeline run, from its task's point of view: it runs, its result is there already, or it waits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_ml.execution.reusing import Admitted, Reused, Waiting, admit
from airflow_ml.execution.step_attempt import run_step
from airflow_ml.registry import LeaseLostError

if TYPE_CHECKING:
    from airflow_ml.execution.attempt import Control
    from airflow_ml.execution.model import StepResult, StepTask
    from airflow_ml.execution.services import Services

__all__ = ["take_step"]


def take_step(services: Services, task: StepTask, control: Control) -> StepResult | Reused | Waiting:
    """
    Run the step, or return the result that it takes, or what it has to wait for; then ask again later.

    An attempt whose lease passed on to another run while it computed (its machine slept, for instance) is given up,
    and the step asks anew: it waits for that run and takes its result.

    Raises:
        AzureMLException: as `run_step`.
    """
    own = replace(control, is_retried=lambda error: isinstance(error, LeaseLostError) or control.is_retried(error))
    while True:
        admission = admit(services, task, control.log)
        if not isinstance(admission, Admitted):
            return admission
        try:
            return run_step(services, task, admission, own)
        except LeaseLostError as error:
            control.log(f"{task.title}: {error}; asking for the result anew")
