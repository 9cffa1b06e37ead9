"""Sentences that many places refuse with: v1 features that a later version brings, arguments that v1 has not either."""

from __future__ import annotations

from airflow_ml.exceptions import NotSupportedError, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

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
    arguments: Mapping[str, object], *, where: str, error: type[UserErrorException] = UserErrorException
) -> None:
    """
    Raise for keyword arguments that v1 does not have either; nothing happens without any.

    Args:
        error: GraphError where v1 raises ValueError.
    """
    if arguments:
        raise error(f"{where}: unknown argument {min(arguments)!r}; leave it out")
