"""
Every error that airflow-ml raises, with the v1 SDK's names (`azureml.exceptions`).

    AzureMLException                     root of all of ours
    +-- UserErrorException               something the caller wrote can be corrected
    |   +-- GraphError                   a pipeline that cannot be built or run (also a ValueError, as in v1)
    |   +-- NotSupportedError            a v1 feature that airflow-ml does not have; says what to do instead
    |   +-- ComputeTargetException       a compute target that is missing or badly described
    |   +-- RunConfigurationException    a run configuration that cannot be read or used
    |   +-- RunEnvironmentException      an environment that cannot be built or used
    |   +-- SnapshotException            a source directory that cannot be captured
    |   +-- WorkspaceException           a workspace that cannot be found or opened
    |   +-- DatasetNotFoundError         a dataset, or the data behind it, is not there
    |   +-- ModelNotFoundException       a model name or version that is not registered
    |   +-- ModelPathNotFoundException   a model's path that is not there
    +-- ActivityFailedException          a run that was waited for has failed
    +-- StepFailedError                  a step's script failed: the user's fault, not retried by default
    +-- ServiceException                 storage, registry or Airflow did not do its part: retried
    |   +-- StepLostError                a step's process vanished without a result
    |   +-- ProtocolError                a step and its operator speak different versions (`runtime.protocol`)
    |   +-- RunStateError                a run's record was in another state than expected (`registry`)
    +-- TrainingException, ExperimentExecutionException, ProjectSystemException, AuthenticationException
        the v1 names that user code catches; raised by the calls that v1 raised them from

Standard library alone and Python 3.8 syntax: the same file is imported inside a step's process.
"""

from __future__ import annotations

TYPE_CHECKING = False  # a step's process must not pay for importing typing
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "ActivityFailedException",
    "AuthenticationException",
    "AzureMLException",
    "ComputeTargetException",
    "DatasetNotFoundError",
    "ExperimentExecutionException",
    "GraphError",
    "ModelNotFoundException",
    "ModelPathNotFoundException",
    "NotSupportedError",
    "ProjectSystemException",
    "RunConfigurationException",
    "RunEnvironmentException",
    "ServiceException",
    "SnapshotException",
    "StepFailedError",
    "StepLostError",
    "TrainingException",
    "UserErrorException",
    "WorkspaceException",
]


class AzureMLException(Exception):
    """
    Root of every error of airflow-ml.

    Args:
        exception_message: what happened, where, and the way out, in one line.
        inner_exception: the error below, when one caused this.
    """

    def __init__(
        self, exception_message: str = "", inner_exception: BaseException | None = None, **_ignored: Any
    ) -> None:
        super().__init__(exception_message)
        self.message = exception_message
        self.inner_exception = inner_exception

    def __str__(self) -> str:
        return self.message

    def at(self, where: str) -> AzureMLException:
        """Return the same error with the place in front of its text; this one becomes its inner exception."""
        located = type(self).__new__(type(self))
        located.__dict__.update(self.__dict__)
        located.message = f"{where}: {self.message}"
        located.args = (located.message,)
        located.inner_exception = self
        return located


class UserErrorException(AzureMLException):
    """The caller can correct this: a wrong name, value or combination."""


class GraphError(UserErrorException, ValueError):
    """A pipeline that cannot be built or run; v1 raises plain ValueError here, so this is one."""


class NotSupportedError(UserErrorException, NotImplementedError):
    """A v1 feature that airflow-ml does not have; the text says what to do instead."""


class ComputeTargetException(UserErrorException):
    """A compute target that is missing (`ComputeTargetNotFound` in the text) or badly described."""


class RunConfigurationException(UserErrorException):
    """A run configuration that cannot be read or used."""


class RunEnvironmentException(UserErrorException):
    """An environment that cannot be built or used."""


class SnapshotException(UserErrorException):
    """A source directory that cannot be captured, for instance because it is over the limits."""


class WorkspaceException(UserErrorException):
    """A workspace that cannot be found or opened."""


class DatasetNotFoundError(UserErrorException):
    """A dataset name, version or id that is not registered, or data that is not where the dataset says."""


class ModelNotFoundException(UserErrorException):
    """A model name or version that is not registered."""


class ModelPathNotFoundException(UserErrorException):
    """A model's file or folder that is not there."""


class ActivityFailedException(AzureMLException):
    """
    A run that was waited for has failed.

    Args:
        error_details: the run's error as text, JSON for pipeline runs as in v1.
    """

    def __init__(self, exception_message: str = "", error_details: str | None = None, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        self.error_details = error_details


class StepFailedError(AzureMLException):
    """A step's own script failed or broke its contract: the user's fault, so not retried by default."""


class ServiceException(AzureMLException):
    """Storage, registry or Airflow did not do its part; trying again can help."""


class StepLostError(ServiceException):
    """A step's process vanished without a result (killed from outside, machine lost)."""


class TrainingException(AzureMLException):
    """Kept for user code that catches it."""


class ExperimentExecutionException(AzureMLException):
    """An experiment's run could not be started."""


class ProjectSystemException(AzureMLException):
    """Kept for user code that catches it."""


class AuthenticationException(AzureMLException):
    """The caller could not be identified."""
