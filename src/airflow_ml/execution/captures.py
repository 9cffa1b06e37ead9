"""
Captured source directories: taken once per pipeline run, or at the step by operators written by hand.

What the run's record keeps of each step's code is a small mapping: the snapshot's id, what git said, and digests of
what the step's `hash_paths` name. Decisions about reuse are made from it, and by plans from the folders themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from airflow_ml.exceptions import AzureMLException, UserErrorException
from airflow_ml.graph import Graph, Json, SourceSnapshot, Step
from airflow_ml.hashing.shared import stat_cache
from airflow_ml.reuse.decisions import StepCode
from airflow_ml.snapshots.capture import capture, hash_only
from airflow_ml.snapshots.extra_content import hash_paths, paths_outside
from airflow_ml.snapshots.git import git_properties
from airflow_ml.snapshots.source_digest import source_digest_of

if TYPE_CHECKING:
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import RunRecord
    from airflow_ml.snapshots import protocol

__all__ = [
    "Snapshot",
    "capture_all",
    "capture_step",
    "current_code",
    "outside_content",
    "recorded_code",
    "recorded_snapshot",
    "snapshot_of",
    "step_code",
    "with_snapshots",
]

#: Entries of `ignore_in_fingerprint` that are patterns of source files.
_SOURCE = "source:"


@dataclass(frozen=True)
class Snapshot:
    """
    A step's captured source directory, and what git says about it.

    Attributes:
        extra_content: digests of what the step's `hash_paths` name.
    """

    id: str | None
    properties: Mapping[str, str] = field(default_factory=dict)
    extra_content: Mapping[str, str] = field(default_factory=dict)


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
        elif step.source_directory is not None:
            _check_script(graph, step)
            if step.source_directory not in by_directory:
                by_directory[step.source_directory] = _capture(services, graph, step)
            taken[step.id] = by_directory[step.source_directory]
        extra = _extra_content(services, graph, step)
        if extra:
            taken[step.id] = {**taken.get(step.id, {}), "extra_content": cast(Json, extra)}
    return taken


def with_snapshots(graph: Graph, taken: Mapping[str, Mapping[str, Json]]) -> Graph:
    """Return the graph with the result of `capture_all` in the place of its source directories."""
    return replace(
        graph,
        base_directory=None,
        steps=tuple(_with_snapshot(step, taken[step.id]) if step.id in taken else step for step in graph.steps),
    )


def _with_snapshot(step: Step, taken: Mapping[str, Json]) -> Step:
    captured = _snapshot(taken)
    snapshot = None if captured.id is None else SourceSnapshot(captured.id, captured.properties)
    return replace(
        step, source_directory=None, snapshot=snapshot, hash_paths=(), extra_content=dict(captured.extra_content)
    )


def snapshot_of(services: Services, task: StepTask) -> Snapshot:
    """
    Return the step's snapshot, taken when the run was opened; operators written by hand take theirs here.

    Raises:
        UserErrorException: as `capture_all`.
    """
    if _taken_of(task.pipeline, task.step) is None:
        return capture_step(services, task.graph, task.step)
    return recorded_snapshot(task.pipeline, task.step)


def recorded_snapshot(run: RunRecord, step: Step) -> Snapshot:
    """Return the step's snapshot that was taken when the pipeline run was opened."""
    return _snapshot(_taken_of(run, step) or {})


def recorded_code(services: Services, run: RunRecord) -> Callable[[Step], StepCode]:
    """Return what gives a step's code as it was when the pipeline run was opened; each snapshot is asked for once."""
    seen: dict[tuple[str, tuple[str, ...]], StepCode] = {}

    def look(step: Step) -> StepCode:
        snapshot = recorded_snapshot(run, step)
        if snapshot.id is None or snapshot.extra_content or step.extra_content:
            return step_code(services, step, snapshot)
        key = snapshot.id, _ignored_sources(step)
        if key not in seen:
            seen[key] = step_code(services, step, snapshot)
        return seen[key]

    return look


def current_code(services: Services, graph: Graph) -> Callable[[Step], StepCode]:
    """Return what gives a step's code as it is now, without keeping anything; each folder is looked at once."""
    seen: dict[str, protocol.Snapshot] = {}

    def look(step: Step) -> StepCode:
        extra = _extra_content(services, graph, step)
        if step.source_directory is None:
            known = None if step.snapshot is None else step.snapshot.id
            return step_code(services, step, Snapshot(known, extra_content=extra))
        _check_script(graph, step)
        if step.source_directory not in seen:
            with _named(graph, step):
                seen[step.source_directory] = hash_only(_directory_of(graph, step))
        found = seen[step.source_directory]
        return StepCode(found.id, found.source_digest_without(_ignored_sources(step)), extra)

    return look


def outside_content(services: Services, graph: Graph, step: Step) -> dict[str, str]:
    """
    Return digests, as they are now, of what `hash_paths` names outside of the source directory.

    Scripts read it where it lies, and not in their snapshot.

    Raises:
        UserErrorException: it is not there, or cannot be read.
    """
    with _named(graph, step):
        directory = _directory_of(graph, step)
        return hash_paths(directory, paths_outside(directory, step.hash_paths), stat_cache(services.home))


def capture_step(services: Services, graph: Graph, step: Step) -> Snapshot:
    """
    Capture one step's source directory now.

    Raises:
        UserErrorException: as `capture_all`.
    """
    return _snapshot(capture_all(services, replace(graph, steps=(step,))).get(step.id, {}))


def _taken_of(run: RunRecord, step: Step) -> Mapping[str, Json] | None:
    return cast("Mapping[str, Mapping[str, Json]]", run.details.get("snapshots") or {}).get(step.id)


def _snapshot(taken: Mapping[str, Json]) -> Snapshot:
    return Snapshot(
        id=cast("str | None", taken.get("id")),
        properties=cast("Mapping[str, str]", taken.get("properties") or {}),
        extra_content=cast("Mapping[str, str]", taken.get("extra_content") or {}),
    )


def step_code(services: Services, step: Step, snapshot: Snapshot) -> StepCode:
    """Return a snapshot as the fingerprint of a step counts it."""
    extra = {**step.extra_content, **snapshot.extra_content}
    if snapshot.id is None:
        return StepCode(extra_content=extra)
    ignored = _ignored_sources(step)
    digest = None if ignored else services.registry.snapshots.get(snapshot.id).source_digest
    if digest is None:
        digest = source_digest_of(services.artifacts, snapshot.id, ignored)
    return StepCode(snapshot.id, digest, extra)


def _ignored_sources(step: Step) -> tuple[str, ...]:
    return tuple(entry.removeprefix(_SOURCE) for entry in step.ignore_in_fingerprint if entry.startswith(_SOURCE))


def _extra_content(services: Services, graph: Graph, step: Step) -> dict[str, str]:
    if not step.hash_paths:
        return dict(step.extra_content)
    with _named(graph, step):
        return hash_paths(_directory_of(graph, step), step.hash_paths, stat_cache(services.home))


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
    with _named(graph, step):
        snapshot = capture(directory, services.artifacts)
    services.registry.snapshots.record(
        snapshot.id, files=len(snapshot.files), size=snapshot.size, source_digest=snapshot.source_digest
    )
    return {"id": snapshot.id, "properties": cast(Json, dict(git_properties(directory)))}


@contextmanager
def _named(graph: Graph, step: Step) -> Iterator[None]:
    """Say in every error which step it is about."""
    try:
        yield
    except AzureMLException as error:
        raise error.at(graph.title(step)) from error
