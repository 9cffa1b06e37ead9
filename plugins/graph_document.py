"""What is drawn of a pipeline: its steps with the state of each, and how they need each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, cast

from airflow_ml.graph import from_json
from airflow_ml.plugins.step_graph import HEIGHT, WIDTH, draw

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Json, Step
    from airflow_ml.registry import Registry, RunRecord

__all__ = ["drawn_graph", "graph_document", "step_of"]

#: Letters of a step's name that its box has room for.
_NAME = 27


def graph_document(registry: Registry, run: RunRecord, children: Iterable[RunRecord]) -> dict[str, Json] | None:
    """
    Return a pipeline run's graph; None for other runs, and where no graph was recorded.

    Args:
        children: the runs below it, newest first.
    """
    text = registry.runs.graph(run.id, is_sealed=True) if run.kind == "pipeline" else None
    if text is None:
        return None
    newest: dict[str, RunRecord] = {}
    for child in children:
        if child.node_id is not None:
            newest.setdefault(child.node_id, child)
    return drawn_graph(from_json(text), newest)


def drawn_graph(graph: Graph, runs: Mapping[str, RunRecord]) -> dict[str, Json]:
    """Return a graph with places for drawing it, and the runs of its steps, by step id, where there are some."""
    drawing = draw({step.id: step.upstream for step in graph.steps})
    return {
        "width": drawing.width,
        "height": drawing.height,
        "box": {"width": WIDTH, "height": HEIGHT},
        "edges": list(drawing.edges),
        "steps": [_step(step, drawing.nodes[step.id], runs.get(step.id)) for step in graph.steps],
    }


def step_of(registry: Registry, run: RunRecord) -> Step | None:
    """Return what the pipeline's graph says of a step's run, secrets left sealed; None where nothing was recorded."""
    text = registry.runs.graph(run.parent_id, is_sealed=True) if run.parent_id and run.node_id else None
    if text is None:
        return None
    return next((step for step in from_json(text).steps if step.id == run.node_id), None)


def _step(step: Step, place: tuple[int, int], run: RunRecord | None) -> dict[str, Json]:
    reuse = cast("Mapping[str, Json]", run.details.get("reuse") or {}) if run else {}
    seconds = None
    if run and run.started_at and run.ended_at:
        seconds = round((run.ended_at - run.started_at).total_seconds(), 3)
    return {
        "id": step.id,
        "name": step.name,
        "short": step.name if len(step.name) <= _NAME else f"{step.name[: _NAME - 1]}\u2026",
        "kind": step.kind,
        "x": place[0],
        "y": place[1],
        "needs": list(step.upstream),
        "run_id": run.id if run else None,
        "status": run.status if run else "NotStarted",
        "is_reused": run is not None and run.properties.get("azureml.isreused") == "true",
        "seconds": seconds,
        "saved_seconds": reuse.get("saved_seconds"),
    }
