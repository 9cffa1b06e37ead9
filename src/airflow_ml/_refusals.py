"""The one sentence of v1 features that a later version brings."""

from __future__ import annotations

from airflow_ml.exceptions import NotSupportedError

__all__ = ["not_yet"]


def not_yet(what: str, instead: str) -> NotSupportedError:
    """
    Return the error of a v1 feature that can be named but not used yet.

    Args:
        what: the class or call, with its place (`step 'train': CommandStep`, `Schedule.create`).
        instead: the way out that works today, as an imperative.
    """
    return NotSupportedError(f"{what} is not in this version of airflow-ml; {instead}")
