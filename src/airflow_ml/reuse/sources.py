"""Runs whose results are taken: whether they can be, whoever named them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_ml.graph import Step
    from airflow_ml.registry import OutputRecord, Registry, ResultRecord, RunRecord

__all__ = ["Source", "find_sources", "output_problem"]


@dataclass(frozen=True)
class Source:
    """A completed step run with the result that it offers."""

    run: RunRecord
    result: ResultRecord

    @property
    def seconds(self) -> float | None:
        """How long it ran."""
        if self.run.started_at is None or self.run.ended_at is None:
            return None
        return (self.run.ended_at - self.run.started_at).total_seconds()


def find_sources(registry: Registry, run_ids: Iterable[str]) -> dict[str, Source | str]:
    """Return the runs by id, and why not in the place of those whose results cannot be taken."""
    wanted = list(run_ids)
    if not wanted:
        return {}
    found = registry.results.of_runs(wanted)
    return {run_id: _source(run_id, *found.get(run_id, (None, None))) for run_id in wanted}


def _source(run_id: str, run: RunRecord | None, result: ResultRecord | None) -> Source | str:
    if run is None:
        return f"the result of run {run_id} is not recorded any more"
    if run.status != "Completed":
        return f"run {run_id} is {run.status}"
    if result is None:
        return f"run {run_id} offers no result"
    if result.invalidated_at is not None:
        return f"the result of run {run_id} was invalidated: {result.invalidation}"
    return Source(run, result)


def output_problem(step: Step, outputs: Mapping[str, OutputRecord], run_id: str) -> str | None:
    """Return what keeps a run's outputs from standing for those of the step, or None."""
    missing = [port.name for port in step.outputs if port.name not in outputs]
    if missing:
        return f"run {run_id} has no output {missing[0]!r}"
    gone = [output.name for output in outputs.values() if output.collected_at is not None]
    return f"output deleted: {gone[0]} of run {run_id} was collected" if gone else None
