"""Statuses of runs: which changes are allowed, and what a change brings with it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from airflow_ml.graph.model import Json
from airflow_ml.registry import tables
from airflow_ml.registry.errors import RunStateError
from airflow_ml.registry.records import FINAL_STATUSES
from airflow_ml.registry.values import utc_now

__all__ = ["apply_status", "check_transition"]


def check_transition(row: tables.Run, status: str, expected: Collection[str] | str | None) -> None:
    """
    Refuse a change that the run's status does not allow.

    Raises:
        RunStateError: the run is final, or its status is not an expected one.
    """
    allowed = {expected} if isinstance(expected, str) else expected
    if row.status in FINAL_STATUSES:
        reason = f"the run is {row.status} and its record is final; start a new run"
    elif allowed is not None and row.status not in allowed:
        reason = f"the run is {row.status}, expected {sorted(allowed)!r}; look at the run again"
    else:
        return
    raise RunStateError(
        f"run {row.id!r}: status {status!r} refused, because {reason}", run_id=row.id, status=row.status
    )


def apply_status(
    row: tables.Run,
    status: str,
    *,
    error: Mapping[str, Json] | None,
    started_at: datetime | None,
    ended_at: datetime | None,
) -> None:
    """Give the run the status, and the times that come with it unless they are given or there already."""
    row.status = status
    if error is not None:
        row.error = dict(error)
    row.started_at = started_at or row.started_at or (utc_now() if status == "Running" else None)
    row.ended_at = ended_at or row.ended_at or (utc_now() if status in FINAL_STATUSES else None)
