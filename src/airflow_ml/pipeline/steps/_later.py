"""What constructing a kind of step raises that this version does not run."""

from __future__ import annotations

from airflow_ml._refusals import not_yet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.exceptions import NotSupportedError

__all__ = ["later"]


def later(step: object, name: str | None, instead: str) -> NotSupportedError:
    """
    Return the error of a kind of step, or of a part of one.

    The classes keep v1's parameters, so that editors complete them and wrong ones are still a TypeError.

    Args:
        step: what is being constructed.
        name: the step's name, if it was given one.
        instead: the way out that works today.
    """
    kind = type(step).__name__
    return not_yet(kind if name is None else f"step {name!r}: {kind}", instead)
