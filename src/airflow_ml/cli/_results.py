"""Results and decisions of the past, as rows, lines and JSON documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from airflow_ml.execution.services import open_services
from airflow_ml.registry import open_shared
from airflow_ml.reuse.differences import read_records
from airflow_ml.reuse.explanation import explain_result
from airflow_ml.reuse.value_changes import short

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_ml.graph import Json, WorkspaceRef
    from airflow_ml.registry import OutputRecord, Registry, RunRecord
    from airflow_ml.registry.reuse_records import ResultRecord

__all__ = ["HEADER", "ListedResult", "explain_pipeline", "explain_step", "list_results"]

HEADER = ("run", "step", "pipeline", "recorded", "reused", "size", "state")

_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")


@dataclass(frozen=True)
class ListedResult:
    """
    A result with what a list shows of it.

    Attributes:
        times_reused: how many step runs took it.
        size: bytes of its outputs.
    """

    result: ResultRecord
    times_reused: int
    size: int
    is_collected: bool

    @property
    def recorded_at(self) -> datetime:
        """When the run had computed it."""
        return self.result.recorded_at

    @property
    def state(self) -> str:
        """`valid`, or why no run takes it any more."""
        if self.result.invalidated_at is not None:
            return f"invalidated: {self.result.invalidation}"
        return "collected" if self.is_collected else "valid"

    def row(self) -> tuple[str, ...]:
        """Return the cells of a table."""
        result = self.result
        when = result.recorded_at.astimezone().strftime("%Y-%m-%d %H:%M")
        reused = f"{self.times_reused:,} {'time' if self.times_reused == 1 else 'times'}"
        return result.run_id, result.step_name, result.pipeline_name, when, reused, _size_text(self.size), self.state

    def document(self) -> dict[str, Json]:
        """Return the result as JSON."""
        return {
            "run_id": self.result.run_id,
            "step": self.result.step_name,
            "pipeline": self.result.pipeline_name,
            "fingerprint": self.result.fingerprint,
            "recorded_at": self.result.recorded_at.isoformat(),
            "times_reused": self.times_reused,
            "size": self.size,
            "state": self.state,
        }


def list_results(registry: Registry, *, step: str | None, pipeline: str | None, limit: int) -> Sequence[ListedResult]:
    """Return results, newest first."""
    found = registry.results.list(step=step, pipeline=pipeline, limit=limit)
    times = registry.results.times_reused([result.run_id for result in found])
    outputs = registry.outputs.of_runs([result.run_id for result in found])
    return [_listed(result, times, outputs.get(result.run_id, {})) for result in found]


def explain_pipeline(workspace: WorkspaceRef, run: RunRecord) -> tuple[dict[str, Json], list[str]]:
    """Return what became of each step of a pipeline's run, and why, as JSON and as lines."""
    steps = sorted(open_shared(workspace).runs.steps(run.id), key=lambda step: step.sequence)
    decisions = [_decision(step) for step in steps]
    width = max((len(step.name) for step in steps), default=0)
    lines = [f"run {run.id} of experiment {run.experiment!r}: {run.status}"]
    lines += [f"  {step.name:<{width}}  {decision['reason']}" for step, decision in zip(steps, decisions, strict=True)]
    saved = sum(cast(float, decision["saved_seconds"] or 0.0) for decision in decisions)
    return {"run_id": run.id, "status": run.status, "steps": cast("Json", decisions), "saved_seconds": saved}, lines


def explain_step(workspace: WorkspaceRef, run: RunRecord) -> tuple[dict[str, Json], list[str]]:
    """Return the decision on a step's run, what its result is compared by, and how the result before it differed."""
    decision = _decision(run)
    lines = [f"step {run.name!r}, run {run.id}: {run.status}", f"  {decision['reason']}"]
    with open_services(workspace) as services:
        result = services.registry.results.of_run(cast("str | None", decision["reused_run_id"]) or run.id)
        if result is None:
            why = f": {decision['withheld']}" if decision["withheld"] else ""
            lines.append(f"  its result is not offered to later runs{why}")
            return decision, lines
        decision["records"] = [*result.records]
        lines += [f"fingerprint {result.fingerprint}", *_record_lines(result)]
        if result.invalidated_at is not None:
            lines.append(f"invalidated {_time(result.invalidated_at)}: {result.invalidation}")
        explanation = explain_result(services.reuse, result)
    decision["differences"] = list(explanation.sentences)
    decision["compared_run_id"] = explanation.compared_run_id
    if explanation.compared_run_id is None or explanation.compared_at is None:
        lines.append("no earlier result of this step")
    else:
        lines.append(f"against run {explanation.compared_run_id} ({_time(explanation.compared_at)}):")
        lines += [f"  {sentence}" for sentence in explanation.sentences]
    return decision, lines


def _listed(result: ResultRecord, times: Mapping[str, int], outputs: Mapping[str, OutputRecord]) -> ListedResult:
    return ListedResult(
        result,
        times_reused=times.get(result.run_id, 0),
        size=sum(output.size for output in outputs.values()),
        is_collected=any(output.collected_at is not None for output in outputs.values()),
    )


def _decision(step: RunRecord) -> dict[str, Json]:
    """Return what was recorded of the decision on a step; runs of older versions say nothing of it."""
    details = cast("Mapping[str, Json]", step.details.get("reuse") or {})
    return {
        "run_id": step.id,
        "step": step.name,
        "status": step.status,
        "decision": details.get("decision", "ran"),
        "reason": details.get("reason") or "ran; why was not recorded",
        "reasons": details.get("reasons", []),
        "reused_run_id": details.get("run_id"),
        "saved_seconds": details.get("saved_seconds"),
        "fingerprint": details.get("fingerprint"),
        "withheld": details.get("withheld"),
    }


def _record_lines(result: ResultRecord) -> list[str]:
    records = read_records(result.records)
    width = max((len(f"{record.tag} {record.name}") for record in records), default=0)
    return [f"  {f'{record.tag} {record.name}':<{width}}  {short(record.value)}" for record in records]


def _time(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def _size_text(size: int) -> str:
    number, unit = float(size), 0
    while number >= 1000 and unit < len(_UNITS) - 1:
        number, unit = number / 1000, unit + 1
    return f"{size} B" if unit == 0 else f"{number:.1f} {_UNITS[unit]}"
