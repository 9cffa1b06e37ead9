"""The built-in answer to whether a step's result exists: the workspace's own results."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow_ml.hookspecs import ReuseAnswer, hookimpl

if TYPE_CHECKING:
    from airflow_ml.hookspecs import ReuseQuestion

__all__ = ["airflow_ml_check_reuse"]


@hookimpl(trylast=True)
def airflow_ml_check_reuse(question: ReuseQuestion) -> ReuseAnswer | None:
    """Return the newest result of the fingerprint that is not too old; None where there is none."""
    # One more than may be out of the question.
    results = question.registry.results.find(question.fingerprint, limit=len(question.rejected) + 1)
    found = [result for result in results if result.run_id not in question.rejected]
    if not found:
        return None
    newest = found[0]
    age = (datetime.now(timezone.utc) - newest.recorded_at).total_seconds()
    if question.max_age is not None and age > question.max_age:
        return ReuseAnswer.refused(
            f"the result of run {newest.run_id} is {_days(age)} old, and at most {_days(question.max_age)} are allowed"
        )
    # It was recorded in the transaction that ended the run.
    return ReuseAnswer.of(newest.run_id, ended_at=newest.recorded_at)


def _days(seconds: float) -> str:
    """Return a time span in the unit that people use for its size."""
    for unit, length in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"
