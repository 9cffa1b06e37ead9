"""Errors of database drivers in our words: what kind they are, what to do, and never a secret in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_ml.exceptions import (
    AuthenticationException,
    AzureMLException,
    DatasetNotFoundError,
    ServiceException,
    UserErrorException,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.exc import DBAPIError

__all__ = ["Failure", "FailureKind", "database_errors", "without_secrets"]

#: `login`: who asks is not let in; `right`: or may not do this; `missing`: no such table or column; `statement`: what
#: was sent is wrong; `data`: a value does not fit; `timeout`: the server gave up; `lost`: server or network.
FailureKind: TypeAlias = Literal["login", "right", "missing", "statement", "data", "timeout", "lost"]

_WAYS_OUT: Mapping[FailureKind, str] = {
    "login": "register the datastore with the right user and password",
    "right": "have the database's owner grant it",
    "missing": "correct the name",
    "statement": "correct it",
    "data": "correct the data",
}

_ERRORS: Mapping[FailureKind, type[AzureMLException]] = {
    "login": AuthenticationException,
    "missing": DatasetNotFoundError,
}

#: Anything shorter is no secret, and would black out half of a text.
_SHORTEST_SECRET = 3


@dataclass(frozen=True)
class Failure:
    """
    What a server or driver said.

    Attributes:
        text: its own words, in one line, without values of rows that it did not complain of.
    """

    kind: FailureKind
    text: str


@contextmanager
def database_errors(
    where: str,
    failure_of: Callable[[DBAPIError], Failure],
    secrets: Callable[[], Mapping[str, str]],
    *,
    timeout: float | None = None,
) -> Iterator[None]:
    """
    Turn errors of SQLAlchemy and the driver into ours.

    Args:
        where: the datastore and what was done with it.
        failure_of: what the kind of database makes of an error.
        secrets: what no text may hold.
        timeout: the one that was asked for, in seconds.
    """
    from sqlalchemy.exc import DBAPIError, SQLAlchemyError

    try:
        yield
    except AzureMLException:
        raise
    except DBAPIError as error:
        # The driver's error can hold the statement with its values; it is not chained.
        raise _ours(where, failure_of(error), secrets(), timeout) from None
    except (SQLAlchemyError, ValueError, OverflowError) as error:  # the last two: what drivers say of values
        text = without_secrets(_one_line(str(error)), secrets())
        raise UserErrorException(f"{where}: {text}; correct it") from None


def without_secrets(text: str, secrets: Mapping[str, str]) -> str:
    """Return a text with `***` in place of every secret."""
    for secret in sorted(secrets.values(), key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            text = text.replace(secret, "***")
    return text


def _ours(where: str, failure: Failure, secrets: Mapping[str, str], timeout: float | None) -> AzureMLException:
    text = without_secrets(_one_line(failure.text), secrets)
    if failure.kind == "lost":
        return ServiceException(f"{where}: the database cannot be reached or went away: {text}; try again")
    if failure.kind == "timeout":
        limit = "the server's own limit" if timeout is None else f"{timeout:g} seconds"
        return ServiceException(
            f"{where}: the database did not answer within {limit} ({text}); raise query_timeout, or ask for less"
        )
    error = _ERRORS.get(failure.kind, UserErrorException)
    return error(f"{where}: {text}; {_WAYS_OUT[failure.kind]}")


def _one_line(text: str) -> str:
    return " ".join(text.split())
