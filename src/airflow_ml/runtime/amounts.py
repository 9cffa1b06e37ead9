"""How much of a dataset is taken: counts of files or rows, and shares of them."""

from __future__ import annotations

from airflow_ml.exceptions import GraphError

__all__ = ["checked_count", "checked_share"]


def checked_count(count: int, *, where: str) -> int:
    """Return a number of files or rows; raises GraphError (v1: ValueError) unless it is a whole number from 0."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 0:
        raise GraphError(f"{where}: count {count!r} is not a whole number from 0")
    return count


def checked_share(share: float, *, what: str, where: str) -> float:
    """Return a share; raises GraphError (v1: ValueError) unless it lies between 0 and 1."""
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise GraphError(f"{where}: {what} {share!r} is not a number between 0 and 1")
    return float(share)
