"""What the registry refuses, where the v1 SDK has no name for it; each can be made again from its text alone."""

from __future__ import annotations

from airflow_ml.exceptions import GraphError, ServiceException, UserErrorException, WorkspaceException

__all__ = [
    "DraftNotFoundError",
    "EndpointNotFoundError",
    "LeaseLostError",
    "NameTakenError",
    "PublishedPipelineNotFoundError",
    "ResultGoneError",
    "RunNotFoundError",
    "RunStateError",
    "ScheduleNotFoundError",
    "StepModuleNotFoundError",
    "WorkspaceNotFoundError",
]


class PublishedPipelineNotFoundError(UserErrorException):
    """No published pipeline of that id is in the workspace."""


class EndpointNotFoundError(UserErrorException):
    """No pipeline endpoint of that id or name, or no such version of it, is in the workspace."""


class DraftNotFoundError(UserErrorException):
    """No pipeline draft of that id is in the workspace."""


class StepModuleNotFoundError(UserErrorException):
    """No module of that id or name, or no such version of one, is in the workspace."""


class NameTakenError(GraphError):
    """A name or a version that is to be new exists; v1 raises ValueError, so this is one."""


class ScheduleNotFoundError(UserErrorException):
    """No schedule of that id is in the workspace."""


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


class LeaseLostError(ServiceException):
    """
    A fingerprint's lease is no longer its holder's: it expired and another run computes the result now.

    Attributes:
        fingerprint: whose lease it was.
        owner: the run that has the lease now; None if nobody has.
    """

    def __init__(self, message: str, *, fingerprint: str = "", owner: str | None = None) -> None:
        super().__init__(message)
        self.fingerprint = fingerprint
        self.owner = owner


class ResultGoneError(RunStateError):
    """A run's result cannot be taken by another run: it was invalidated or collected, or it never was one."""


class WorkspaceNotFoundError(WorkspaceException):
    """The workspace has not been made, and may not be made now."""
