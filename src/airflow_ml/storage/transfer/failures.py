"""One error for a transfer of many files: what failed, how far it came, and what the next try need not do again."""

from __future__ import annotations

from airflow_ml.exceptions import AzureMLException, ServiceException, UserErrorException
from airflow_ml.storage.transfer.pool import Failure
from airflow_ml.storage.transfer.progress import Progress

__all__ = ["raise_failure"]


def raise_failure(failure: Failure | None, what: str, progress: Progress, total: int | None) -> None:
    """
    Raise the error of a transfer, if it has one.

    Args:
        failure: of the first file that failed.
        what: was being done (`upload of 5 files`).
        progress: how far it came.
        total: number of files; None where it is not known.

    Raises:
        AzureMLException: of the type of that file's error.
    """
    if failure is None:
        return
    error = failure.error
    if not isinstance(error, Exception):
        raise error
    kind: type[AzureMLException] = type(error) if isinstance(error, AzureMLException) else ServiceException
    if isinstance(error, FileNotFoundError):
        sentence = f"{failure.name!r} was deleted meanwhile ({error})"
        kind = ServiceException if progress.files else UserErrorException
    else:
        sentence = str(error) if failure.name in str(error) else f"{failure.name!r}: {error}"
    if total is None and progress.files:
        sentence = f"{what}: {sentence}; {progress.files} files were there before it"
    elif total is not None and total > 1:
        sentence = (
            f"{what}: {sentence}; {progress.files} of {total} files have arrived and stay, the rest was not begun or "
            "is not seen: call it again, and it goes on from there"
        )
    raise kind(sentence, inner_exception=error) from error
