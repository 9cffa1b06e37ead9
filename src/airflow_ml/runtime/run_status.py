"""The words for a run's status: the class that users' tools compare with, and what pipelines and steps say instead."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import List

__all__ = ["RunStatus", "pipeline_word"]

#: What pipelines and steps call the states of the run history (v1).
_PIPELINE_WORDS = {
    "Completed": "Finished",
    "Preparing": "Running",
    "Finalizing": "Running",
    "CancelRequested": "Running",
}


class RunStatus:
    """v1's statuses of runs; not all of them are used here."""

    QUEUED = "Queued"
    NOT_STARTED = "NotStarted"
    PREPARING = "Preparing"
    PROVISIONING = "Provisioning"
    STARTING = "Starting"
    RUNNING = "Running"
    CANCEL_REQUESTED = "CancelRequested"
    CANCELED = "Canceled"
    FINALIZING = "Finalizing"
    COMPLETED = "Completed"
    FAILED = "Failed"
    UNAPPROVED = "Unapproved"
    NOTRESPONDING = "NotResponding"
    PAUSING = "Pausing"
    PAUSED = "Paused"

    @classmethod
    def list(cls) -> List[str]:
        """Return all statuses."""
        return [value for name, value in vars(cls).items() if name.isupper()]

    @classmethod
    def get_running_statuses(cls) -> List[str]:
        """Return the statuses of a run that has not come to its end."""
        over = {*cls.get_post_processing_statuses(), cls.CANCELED, cls.COMPLETED, cls.FAILED}
        return [status for status in cls.list() if status not in over]

    @classmethod
    def get_post_processing_statuses(cls) -> List[str]:
        """Return the statuses of a run that is being brought to its end."""
        return [cls.CANCEL_REQUESTED, cls.FINALIZING]


def pipeline_word(status: str) -> str:
    """Return what the run of a pipeline or step calls a status: `Finished` for `Completed`."""
    return _PIPELINE_WORDS.get(status, status)
