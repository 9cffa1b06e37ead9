"""
Do not reuse results of another season: a demand model of the winter is not one of the spring.

An example of a plugin that sees the built-in answer and replaces it.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timezone

from airflow_ml.hookspecs import ReuseAnswer, ReuseQuestion, hookimpl

_NAMES = ("winter", "spring", "summer", "autumn")


@hookimpl(wrapper=True)
def airflow_ml_check_reuse(question: ReuseQuestion) -> Generator[None, ReuseAnswer | None, ReuseAnswer | None]:
    """Let a step of a seasonal pipeline run if the result that would be taken is from another season."""
    answer = yield
    if "season" not in question.graph.name or answer is None or answer.ended_at is None:
        return answer
    then, now = _season(answer.ended_at), _season(datetime.now(timezone.utc))
    if then == now:
        return answer
    return ReuseAnswer.refused(f"the result of run {answer.run_id} is from {_name(then)}, and it is {_name(now)} now")


def _season(moment: datetime) -> int:
    """Count seasons; December to February is one winter, over the turn of the year."""
    return (moment.year * 12 + moment.month) // 3


def _name(season: int) -> str:
    return f"the {_NAMES[season % 4]} of {season // 4}"
