"""
Every error that airflow-ml raises, with the v1 SDK's names (`azureml.exceptions`).

Who is whose child::

    AzureMLException                     root of all of ours
    +-- UserErrorException               something the caller wrote can be corrected
    |   +-- GraphError                   a pipeline that cannot be built or run (also a ValueError, as in v1)
    |   +-- NotSupportedError            a v1 feature that airflow-ml does not have; says what to do instead
    |   +-- ComputeTargetException       a compute target that is missing or badly described
    |   +-- RunConfigurationException    a run configuration that cannot be read or used
    |   +-- RunEnvironmentException      an environment that cannot be built or used
    |   +-- SnapshotException            a source directory that cannot be captured
    |   +-- WorkspaceException           a workspace that cannot be found or opened
    |   +-- DatasetValidationError, DatasetExecutionError
    |   |   +-- DatasetNotFoundError     a dataset, or the data behind it, is not there (both of the two)
    |   |                                DatasetExecutionError: also data that is not as the dataset says
    |   +-- WebserviceException          a model that cannot be had, or serving one, which is not done here
    |   |   +-- ModelNotFoundException   a model name or version that is not registered
    |   +-- ModelPathNotFoundException   a model's path that is not there
    |   +-- DatasetTimestampMissingError a filter by time on a dataset that names no time column
    |   +-- AuthenticationException      a login that is not there
    |   +-- PluginError                  a plugin that cannot be loaded, or failed (`hooks`)
    |   +-- WorkspacePrivateEndpointException, DiscoveryUrlNotFoundException
    |       networks and services of Azure; nothing raises them
    +-- AzureMLAggregatedException       several errors in one
    +-- ActivityFailedException          a run that was waited for has failed
    +-- StepFailedError                  a step's script failed: the user's fault, not retried by default
    |   +-- StepTimeoutError             a step's script ran longer than its limit
    +-- ServiceException                 storage, registry or Airflow did not do its part: retried
    |   +-- StepLostError                a step's process vanished without a result
    |   +-- ProtocolError                a step and its operator speak different versions (`runtime.protocol`)
    |   +-- RunStateError                a run's record was in another state than expected (`registry`)
    +-- TrainingException, ExperimentExecutionException, ProjectSystemException, ParallelRunException
        the v1 names that user code catches; raised by the calls that v1 raised them from

The text of an error is its message, in one line; v1 put the class, the inner error and JSON around it.

Standard library alone and Python 3.8 syntax: the same file is imported inside a step's process.
"""

from __future__ import annotations

TYPE_CHECKING = False  # a step's process must not pay for importing typing
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = [
    "ActivityFailedException",
    "AuthenticationException",
    "AzureMLAggregatedException",
    "AzureMLException",
    "ComputeTargetException",
    "DatasetExecutionError",
    "DatasetNotFoundError",
    "DatasetTimestampMissingError",
    "DatasetValidationError",
    "DiscoveryUrlNotFoundException",
    "ExperimentExecutionException",
    "GraphError",
    "ModelNotFoundException",
    "ModelPathNotFoundException",
    "NotSupportedError",
    "ParallelRunException",
    "ProjectSystemException",
    "RunConfigurationException",
    "RunEnvironmentException",
    "ServiceException",
    "SnapshotException",
    "StepFailedError",
    "StepLostError",
    "StepTimeoutError",
    "TrainingException",
    "UserErrorException",
    "WebserviceException",
    "WorkspaceException",
    "WorkspacePrivateEndpointException",
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
        self._message = exception_message
        self._inner_exception = inner_exception

    @property
    def message(self) -> str:
        """What happened, where, and the way out."""
        return self._message

    @message.setter
    def message(self, message: str) -> None:
        self._message = message

    @property
    def inner_exception(self) -> BaseException | None:
        """The error below, when one caused this."""
        return self._inner_exception

    @inner_exception.setter
    def inner_exception(self, inner_exception: BaseException | None) -> None:
        self._inner_exception = inner_exception

    def print_stacktrace(self) -> None:
        """Print where the error, or the one below it, was raised, on standard error."""
        import traceback  # costs more than all of this module, and few errors are asked

        traceback.print_exception(type(self), self, self.__traceback__)

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

    def __init__(self, exception_message: str, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)


class RunConfigurationException(UserErrorException):
    """A run configuration that cannot be read or used."""


class RunEnvironmentException(UserErrorException):
    """An environment that cannot be built or used."""


class SnapshotException(UserErrorException):
    """A source directory that cannot be captured, for instance because it is over the limits."""


class WorkspaceException(UserErrorException):
    """
    A workspace that cannot be found or opened.

    Args:
        found_multiple: always False here, because a name means one workspace.
    """

    def __init__(self, exception_message: str = "", found_multiple: bool = False, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        self.found_multiple = found_multiple


class WorkspacePrivateEndpointException(WorkspaceException):
    """Kept for user code that catches it."""


class DiscoveryUrlNotFoundException(UserErrorException):
    """Kept for user code that catches it."""


class DatasetValidationError(UserErrorException):
    """A dataset whose data cannot be found (`azureml.data.dataset_error_handling`)."""


class DatasetExecutionError(UserErrorException):
    """A dataset whose data cannot be read, or is not as the dataset says (`azureml.data.dataset_error_handling`)."""


class DatasetNotFoundError(DatasetValidationError, DatasetExecutionError):
    """
    A dataset name, version or id that is not registered, or data that is not where the dataset says.

    v1 raises the one or the other for data, as the time is at which it is missed.
    """


class WebserviceException(UserErrorException):
    """
    A model that cannot be had, or serving one, which is not done here.

    Args:
        status_code: of a service's answer.
    """

    def __init__(self, exception_message: str = "", status_code: int | None = None, **kwargs: Any) -> None:
        super().__init__(exception_message, **kwargs)
        self.status_code = status_code


class ModelNotFoundException(WebserviceException):
    """A model name or version that is not registered; v1 raises the parent in some places and this one in others."""


class ModelPathNotFoundException(UserErrorException):
    """A model's file or folder that is not there."""


class DatasetTimestampMissingError(UserErrorException):
    """
    A filter by time on a dataset that names no time column.

    Args:
        error_details: v1's name of the text.
    """

    def __init__(self, error_details: str = "", **kwargs: Any) -> None:
        super().__init__(error_details, **kwargs)
        self.error_details = error_details


class AzureMLAggregatedException(AzureMLException):
    """
    Several errors in one; its text is theirs, one a line.

    Args:
        exceptions_list: the errors, or their texts.
    """

    def __init__(self, exceptions_list: Sequence[BaseException | str], **kwargs: Any) -> None:
        super().__init__("\n".join(str(error) for error in exceptions_list), **kwargs)


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


class StepTimeoutError(StepFailedError):
    """A step's script ran longer than `max_run_duration_seconds`; not retried by default, as it would again."""


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


class ParallelRunException(AzureMLException):
    """
    Kept for user code that catches it.

    Args:
        code: which kind of failure.
        delay_seconds: after which trying again would help.
    """

    def __init__(
        self, exception_message: str = "", code: str | None = None, delay_seconds: float = 0, **kwargs: Any
    ) -> None:
        super().__init__(exception_message, **kwargs)
        self.code = code
        self.delay_seconds = delay_seconds


class AuthenticationException(UserErrorException):
    """The caller could not be identified."""
