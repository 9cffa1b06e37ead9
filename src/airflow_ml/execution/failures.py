"""Errors of an attempt: every one names its step, is recorded with the run, and is told to the pipeline run."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.compute.container_step import StepTakenOverError
from airflow_ml.exceptions import AzureMLException, ServiceException
from airflow_ml.execution.pipelines import note_failure
from airflow_ml.execution.stopping import StepStopped

if TYPE_CHECKING:
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import RunRecord

__all__ = ["describe_full_disk", "failures_recorded", "record_failure"]

#: A disk with less room than this is called full: a script's last words and files hardly fit.
_FULL_BYTES = 64 << 10


@contextmanager
def failures_recorded(
    services: Services, task: StepTask, run: RunRecord, is_retried: Callable[[BaseException], bool]
) -> Iterator[None]:
    """
    Make the run's record final whatever goes wrong inside; the error goes on to the caller, with the step's name.

    Args:
        is_retried: whether the step is tried again after this error; the pipeline run does not fail by it then.
    """
    try:
        yield
    except StepTakenOverError:  # the record is another process's now
        raise
    except OSError as error:
        failure: BaseException = _explain(error, task, services.run_directory(run.id))
        record_failure(services, task, run, failure, is_retried)
        raise failure from error
    except AzureMLException as error:
        where = task.title
        named = error if where in str(error) else error.at(where)
        record_failure(services, task, run, named, is_retried)
        if named is error:
            raise
        raise named from error
    except BaseException as error:  # an interrupt too: a record must not stay Running
        record_failure(services, task, run, error, is_retried)
        raise


def record_failure(
    services: Services,
    task: StepTask,
    run: RunRecord,
    error: BaseException,
    is_retried: Callable[[BaseException], bool],
) -> None:
    """Close the run's record; what cannot be recorded is noted at the error."""
    is_stopped = isinstance(error, (StepStopped, KeyboardInterrupt, SystemExit))
    try:
        services.registry.runs.set_status(
            run.id,
            "Canceled" if is_stopped else "Failed",
            error={"code": type(error).__name__, "message": str(error) or type(error).__name__},
        )
        if not is_stopped and not is_retried(error):
            note_failure(services, task, run, error)
    except AzureMLException as second:
        error.__notes__ = [*getattr(error, "__notes__", ()), f"the end of run {run.id} could not be recorded: {second}"]


def describe_full_disk(directory: Path) -> str:
    """Return a hint that the run directory's disk is full, or "" if it is not."""
    try:
        status = os.statvfs(directory)
    except OSError:
        return ""
    free = status.f_bavail * status.f_frsize
    if free >= _FULL_BYTES:
        return ""
    return f"; the disk of the run directory {str(directory)!r} is full ({free:,} bytes free)"


def _explain(error: OSError, task: StepTask, directory: Path) -> ServiceException:
    """Say what a failing file system means for the step."""
    where = task.title
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ServiceException(
            f"{where}: the disk of the run directory {str(directory)!r} is full; free space there, or set"
            " AIRFLOW_ML_HOME to a larger disk",
            error,
        )
    return ServiceException(f"{where}: {error.strerror or error}: {error.filename!r}", error)
