"""Captured source directories: taken once per pipeline run, or at the step by operators written by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from airflow_ml.exceptions import AzureMLException, UserErrorException
from airflow_ml.graph import Graph, Json, SourceSnapshot, Step
from airflow_ml.snapshots.capture import capture
from airflow_ml.snapshots.git import git_properties

if TYPE_CHECKING:
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.services import Services

__all__ = ["Snapshot", "capture_all", "capture_step", "snapshot_of", "with_snapshots"]


@dataclass(frozen=True)
class Snapshot:
    """A step's captured source directory, and what git says about it."""

    id: str | None
    properties: Mapping[str, str] = field(default_factory=dict)


def capture_all(services: Services, graph: Graph) -> dict[str, dict[str, Json]]:
    """
    Capture every source directory once, whatever the number of steps that use it; the result goes by step id.

    Raises:
        UserErrorException: a directory or script is missing, or it cannot be captured; the text names the step.
    """
    by_directory: dict[str, dict[str, Json]] = {}
    taken: dict[str, dict[str, Json]] = {}
    for step in graph.steps:
        if step.snapshot is not None:
            taken[step.id] = _known(services, graph, step, step.snapshot)
        if step.source_directory is None:
            continue
        _check_script(graph, step)
        if step.source_directory not in by_directory:
            by_directory[step.source_directory] = _capture(services, graph, step)
        taken[step.id] = by_directory[step.source_directory]
    return taken


def with_snapshots(graph: Graph, taken: Mapping[str, Mapping[str, Json]]) -> Graph:
    """Return the graph with the result of `capture_all` in the place of its source directories."""
    return replace(
        graph,
        base_directory=None,
        steps=tuple(
            replace(step, source_directory=None, snapshot=_source_snapshot(taken[step.id]))
            if step.id in taken
            else step
            for step in graph.steps
        ),
    )


def snapshot_of(services: Services, task: StepTask) -> Snapshot:
    """
    Return the step's snapshot, taken when the run was opened; operators written by hand take theirs here.

    Raises:
        UserErrorException: as `capture_all`.
    """
    taken = cast("Mapping[str, Mapping[str, Json]]", task.pipeline.details.get("snapshots") or {}).get(task.step.id)
    return capture_step(services, task.graph, task.step) if taken is None else _snapshot(taken)


def capture_step(services: Services, graph: Graph, step: Step) -> Snapshot:
    """
    Capture one step's source directory now.

    Raises:
        UserErrorException: as `capture_all`.
    """
    if step.snapshot is not None:
        return _snapshot(_known(services, graph, step, step.snapshot))
    if step.source_directory is None:
        return Snapshot(None)
    _check_script(graph, step)
    return _snapshot(_capture(services, graph, step))


def _snapshot(taken: Mapping[str, Json]) -> Snapshot:
    properties = cast("Mapping[str, str]", taken.get("properties") or {})
    return Snapshot(id=cast("str | None", taken.get("id")), properties=properties)


def _source_snapshot(taken: Mapping[str, Json]) -> SourceSnapshot:
    return SourceSnapshot(str(taken["id"]), cast("Mapping[str, str]", taken.get("properties") or {}))


def _known(services: Services, graph: Graph, step: Step, snapshot: SourceSnapshot) -> dict[str, Json]:
    """Return what the graph holds of a snapshot that was taken before."""
    if not services.registry.snapshots.exists(snapshot.id):
        raise UserErrorException(
            f"{graph.title(step)}: snapshot {snapshot.id!r} of its code is not in workspace"
            f" {services.registry.workspace.name!r}; use the workspace in which the pipeline was published, or publish"
            " it here"
        )
    return {"id": snapshot.id, "properties": cast(Json, dict(snapshot.properties))}


def _directory_of(graph: Graph, step: Step) -> Path:
    return Path(graph.base_directory or ".", step.source_directory or ".")


def _check_script(graph: Graph, step: Step) -> None:
    directory = _directory_of(graph, step)
    if not directory.is_dir():
        raise UserErrorException(
            f"{graph.title(step)}: source directory {str(directory)!r} is not there; it must lie beside the DAG file on"
            " every machine that starts runs"
        )
    if step.script is not None and not (directory / step.script).is_file():
        raise UserErrorException(f"{graph.title(step)}: script not found at {str(directory / step.script)!r}")


def _capture(services: Services, graph: Graph, step: Step) -> dict[str, Json]:
    directory = _directory_of(graph, step)
    try:
        snapshot = capture(directory, services.artifacts)
    except AzureMLException as error:
        raise error.at(graph.title(step)) from error
    services.registry.snapshots.record(snapshot.id, files=len(snapshot.files), size=snapshot.size)
    return {"id": snapshot.id, "properties": cast(Json, dict(git_properties(directory)))}
