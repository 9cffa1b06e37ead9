"""Sentences that many places refuse with: v1 features that a later version brings, arguments that v1 has not either."""

from __future__ import annotations

from airflow_ml.exceptions import NotSupportedError, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["not_yet", "refuse_unknown"]


def not_yet(what: str, instead: str) -> NotSupportedError:
    """
    Return the error of a v1 feature that can be named but not used yet.

    Args:
        what: the class or call, with its place (`step 'train': CommandStep`, `Schedule.create`).
        instead: the way out that works today, as an imperative.
    """
    return NotSupportedError(f"{what} is not in this version of airflow-ml; {instead}")


def refuse_unknown(
    arguments: Iterable[str],
    *,
    where: str,
    known: Iterable[str] = (),
    error: type[UserErrorException] = UserErrorException,
) -> None:
    """
    Raise for the names of keyword arguments that v1 does not have either; nothing happens without any.

    Args:
        known: those that v1 takes as keywords.
        error: GraphError where v1 raises ValueError.
    """
    unknown = {*arguments}.difference(known)
    if unknown:
        raise error(f"{where}: unknown argument {min(unknown)!r}; leave it out")
