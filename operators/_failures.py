"""Our errors in Airflow's terms: what is tried again, and what is not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow.sdk.exceptions import AirflowException, AirflowFailException

from airflow_ml.exceptions import AzureMLException, ServiceException

__all__ = ["airflow_failures", "is_ours"]


@contextmanager
def airflow_failures(*, retry_user_failures: bool = False) -> Iterator[None]:
    """
    Raise Airflow's exceptions in the place of ours.

    Trying again can help where storage, registry or machine failed (ServiceException): Airflow's retries apply. It
    cannot where a script or its definition is wrong: the task fails at once, unless `retry_user_failures`.
    """
    try:
        yield
    except ServiceException as error:
        raise AirflowException(str(error)) from error
    except AzureMLException as error:
        if retry_user_failures:
            raise AirflowException(str(error)) from error
        raise AirflowFailException(str(error)) from error


def is_ours(error: BaseException) -> bool:
    """Whether storage, registry or machine failed, and not a script or its definition: trying again can help."""
    return isinstance(error, ServiceException) or not isinstance(error, AzureMLException)
