"""What the registry refuses, where the v1 SDK has no name for it."""

from __future__ import annotations

from airflow_ml.exceptions import ServiceException, UserErrorException

__all__ = ["PublishedPipelineNotFoundError", "RunNotFoundError", "RunStateError"]


class PublishedPipelineNotFoundError(UserErrorException):
    """No published pipeline of that id is in the workspace."""


class RunNotFoundError(UserErrorException):
    """No run of that id, or of that place in Airflow, is in the workspace."""


class RunStateError(ServiceException):
    """
    A run is not in the state that a change needs: it is final, or another process was quicker.

    Attributes:
        run_id: the run.
        status: the status that it has.
    """

    # Defaults, because an exception that comes from another process is made again from its text alone.
    def __init__(self, message: str, *, run_id: str = "", status: str = "") -> None:
        super().__init__(message)
        self.run_id = run_id
        self.status = status
