"""Plans of pipelines as lines for people, and as a JSON document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TextIO

from airflow_ml.graph import StepOutputSource, TaskSource, in_running_order
from airflow_ml.reuse.sentences import duration_text, reasons_text

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_ml.cli._scripts import FoundPipeline
    from airflow_ml.graph import Graph, Json, Step
    from airflow_ml.graph.reuse_modes import ReuseMode
    from airflow_ml.reuse.decisions import Decision

__all__ = ["StepPlan", "all_run", "document", "print_plan", "step_plans"]

_WORDS = {"reuse": "reuse", "run": "run", "unknown": "?"}


@dataclass(frozen=True)
class StepPlan:
    """
    What would become of one step.

    Attributes:
        sentence: why, without a full stop.
        run_id: of the run whose result would be taken, which ended at `ended_at` and took `saved_seconds`.
        waits_for: ids of the steps that must have run before it is known.
    """

    step_id: str
    name: str
    action: Literal["reuse", "run", "unknown"]
    sentence: str
    reasons: tuple[str, ...] = ()
    run_id: str | None = None
    ended_at: datetime | None = None
    saved_seconds: float | None = None
    waits_for: tuple[str, ...] = ()
    fingerprint: str | None = None


def step_plans(graph: Graph, decisions: Mapping[str, Decision]) -> list[StepPlan]:
    """Return the plan of each step, in running order."""
    return [_step_plan(graph, step, decisions[step.id]) for step in in_running_order(graph.steps)]


def all_run(graph: Graph, reason: str) -> list[StepPlan]:
    """Return the plan of a pipeline of which every step runs, for one reason."""
    return [StepPlan(step.id, step.name, "run", reason, (reason,)) for step in in_running_order(graph.steps)]


def print_plan(pipeline: FoundPipeline, mode: ReuseMode, steps: Sequence[StepPlan], file: TextIO) -> None:
    """Print a line about the pipeline, one for each step in running order, and one that sums up."""
    reuse = "" if mode == "normal" else f", reuse {mode}"
    file.write(f"{pipeline.name} (workspace {pipeline.graph.workspace.name}{reuse})\n")
    width = max((len(step.name) for step in steps), default=0)
    for step in steps:
        file.write(f"  {_WORDS[step.action]:<5}  {step.name:<{width}}  {step.sentence}\n".rstrip(" "))
    file.write(f"{_sum(steps)}\n")


def document(pipeline: FoundPipeline, mode: ReuseMode, steps: Sequence[StepPlan]) -> dict[str, Json]:
    """Return the plan as JSON."""
    return {
        "name": pipeline.name,
        "pipeline": pipeline.graph.name,
        "workspace": pipeline.graph.workspace.name,
        "reuse": mode,
        "steps": [_step_document(step) for step in steps],
        "saved_seconds": sum(step.saved_seconds or 0.0 for step in steps),
    }


def _step_document(step: StepPlan) -> Json:
    return {
        "id": step.step_id,
        "name": step.name,
        "action": step.action,
        "sentence": step.sentence,
        "reasons": list(step.reasons),
        "run_id": step.run_id,
        "ended_at": None if step.ended_at is None else step.ended_at.isoformat(),
        "saved_seconds": step.saved_seconds,
        "waits_for": list(step.waits_for),
        "fingerprint": step.fingerprint,
    }


def _step_plan(graph: Graph, step: Step, decision: Decision) -> StepPlan:
    fingerprint = None if decision.fingerprint is None else decision.fingerprint.digest
    if decision.action == "reuse" and decision.source is not None:
        return StepPlan(
            step.id,
            step.name,
            "reuse",
            _reused_from(decision),
            run_id=decision.source.id,
            ended_at=decision.source.ended_at,
            saved_seconds=decision.saved_seconds,
            fingerprint=fingerprint,
        )
    handed_on = _handed_on(step)
    if handed_on is not None and step.allow_reuse and fingerprint is None:
        return StepPlan(step.id, step.name, "unknown", handed_on, (handed_on,))
    if decision.action == "wait" and not decision.reasons:
        reason = _waiting(graph, step, decision.waits_for)
        return StepPlan(step.id, step.name, "unknown", reason, (reason,), waits_for=decision.waits_for)
    sentence = reasons_text(decision.reasons)
    return StepPlan(step.id, step.name, "run", sentence, decision.reasons, fingerprint=fingerprint)


def _reused_from(decision: Decision) -> str:
    assert decision.source is not None
    ended_at, saved = decision.source.ended_at, decision.saved_seconds
    when = "" if ended_at is None else f" ({ended_at.astimezone():%Y-%m-%d %H:%M})"
    return f"from run {decision.source.id}{when}" + ("" if saved is None else f", saves {duration_text(saved)}")


def _handed_on(step: Step) -> str | None:
    """Return what only the run itself can know of the step's inputs, or None."""
    for port in step.inputs:
        if isinstance(port.source, TaskSource):
            return f"known in the run only: input {port.name!r} is what task {port.source.task_id!r} hands on"
    return None


def _waiting(graph: Graph, step: Step, waits_for: Sequence[str]) -> str:
    """Return whose outputs decide about a step: it runs only if one of them changes."""
    parts = []
    for producer in waits_for:
        outputs = dict.fromkeys(
            port.source.output
            for port in step.inputs
            if isinstance(port.source, StepOutputSource) and port.source.step == producer
        )
        names = ", ".join(outputs)
        parts.append(f"output{'s' if len(outputs) > 1 else ''} {names} of {graph.step(producer).name}")
    is_one = len(parts) == 1 and parts[0].startswith("output ")
    return f"runs only if {' or '.join(parts)} {'changes' if is_one or len(parts) > 1 else 'change'}"


def _sum(steps: Sequence[StepPlan]) -> str:
    counts = {action: sum(step.action == action for step in steps) for action in _WORDS}
    saved = sum(step.saved_seconds or 0.0 for step in steps)
    parts = []
    if counts["reuse"]:
        parts.append(f"{counts['reuse']} reused" + (f", which saves {duration_text(saved)}" if saved else ""))
    if counts["run"]:
        parts.append(f"{counts['run']} to run")
    if counts["unknown"]:
        parts.append(f"{counts['unknown']} not known yet")
    return f"{len(steps)} {'step' if len(steps) == 1 else 'steps'}: {'; '.join(parts) or 'nothing to do'}"
