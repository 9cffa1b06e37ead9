"""Runs as JSON documents, and side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeGuard, cast

from airflow_ml.cli import tables
from airflow_ml.cli._output import timestamp
from airflow_ml.compute.request import MASK
from airflow_ml.graph.secret_names import is_secret_name
from airflow_ml.pipeline.core.run import PipelineRun

if TYPE_CHECKING:
    from airflow_ml.core.run import Run
    from airflow_ml.graph import Json
    from airflow_ml.registry import Registry, RunRecord

__all__ = ["compared_rows", "has_steps", "run_document", "whole_run"]


def run_document(workspace: str, record: RunRecord) -> dict[str, Json]:
    """Return what a list shows of a run."""
    return {
        "run_id": record.id,
        "workspace": workspace,
        "experiment": record.experiment,
        "kind": record.kind,
        "name": record.name,
        "status": record.status,
        "created_at": timestamp(record.created_at),
        "started_at": timestamp(record.started_at),
        "ended_at": timestamp(record.ended_at),
    }


def whole_run(run: Run) -> dict[str, Json]:
    """Return a run with its parameters and metrics, and its steps with theirs."""
    registry = run.experiment.workspace.registry()
    document = _with_results(run, registry)
    if has_steps(run):
        steps: list[Json] = [_with_results(step, registry) for step in reversed([*run.get_children()])]
        document["steps"] = steps
    return document


def has_steps(run: Run) -> TypeGuard[PipelineRun]:
    """Whether a run is a pipeline's."""
    return isinstance(run, PipelineRun)


def compared_rows(registry: Registry, records: Sequence[RunRecord]) -> Iterator[tuple[str, list[str]]]:
    """Return rows of what runs have side by side: names, and a value for each run, "" where it has none."""
    yield "status", [record.status for record in records]
    yield "duration", [tables.duration(record.started_at, record.ended_at) for record in records]
    for what, values in (
        ("parameter", [_parameters(record) for record in records]),
        ("metric", [_metrics(registry, record) for record in records]),
        ("tag", [dict(record.tags) for record in records]),
    ):
        names = dict.fromkeys(name for own in values for name in own)
        for name in names:
            yield f"{what} {name}", [_shown(own[name]) if name in own else "" for own in values]


def _with_results(run: Run, registry: Registry) -> dict[str, Json]:
    record = registry.runs.get(run.id)
    document = run_document(run.experiment.workspace.name, record)
    document["parameters"] = _parameters(record)
    document["metrics"] = cast("Json", run.get_metrics())
    document["tags"] = dict(record.tags)
    document["error"] = cast("Json", record.error)
    return document


def _parameters(record: RunRecord) -> dict[str, Json]:
    """Return a run's parameters; what looks like a secret by its name is masked, as everywhere."""
    values = cast("Mapping[str, Json]", record.details.get("parameters") or {})
    return {name: MASK if is_secret_name(name) else value for name, value in values.items()}


def _metrics(registry: Registry, record: RunRecord) -> dict[str, Json]:
    """Return the last value of each metric; those of a pipeline's steps go by the steps' names."""
    steps = registry.runs.steps(record.id) if record.kind == "pipeline" else ()
    sources = {"": record.id, **{f"{step.name} / ": step.id for step in steps}}
    scalars = registry.metrics.last_scalars(sources.values())
    return {f"{prefix}{name}": value for prefix, run_id in sources.items() for name, value in scalars[run_id].items()}


def _shown(value: Json) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
