"""One sentence for what became of a step, the same in logs, records and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_ml.reuse.decisions import Decision

__all__ = ["duration_text", "reasons_text", "sentence_of"]

#: A sentence names so many reasons; the record has all of them.
_MOST = 5


def sentence_of(decision: Decision) -> str:
    """Return `reused from <run>, saved 41 min`, `runs: train.py changed`, or what the decision waits for."""
    if decision.action == "reuse" and decision.source is not None:
        saved = decision.saved_seconds
        return f"reused from {decision.source.id}" + ("" if saved is None else f", saved {duration_text(saved)}")
    if decision.action == "wait":
        return f"decided when {' and '.join(map(repr, decision.waits_for))} has run"
    return f"runs: {reasons_text(decision.reasons)}"


def reasons_text(reasons: tuple[str, ...]) -> str:
    """Return the first reasons as one text."""
    if not reasons:
        return "no earlier result of this step"
    more = f"; and {len(reasons) - _MOST} more" if len(reasons) > _MOST else ""
    return "; ".join(reasons[:_MOST]) + more


def duration_text(seconds: float) -> str:
    """Return a time span as people say it: `12 s`, `41 min`, `2 h 5 min`, `3 d 4 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h" + (f" {minutes} min" if minutes else "")
    days, hours = divmod(hours, 24)
    return f"{days} d" + (f" {hours} h" if hours else "")
