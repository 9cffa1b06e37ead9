"""
The nodes of a distributed step in one run: how many tasks work together, and what they bring together in the end.

Only the first node's task commits. What the scripts on other nodes have written goes by the workspace's artifact store
to the first node, as if all had written to one folder, which v1's mounted outputs were.
"""

from __future__ import annotations

import filecmp
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.exceptions import AzureMLException, NotSupportedError, StepFailedError
from airflow_ml.execution.artifacts import artifact_path
from airflow_ml.execution.distributed import Layout, layout_of
from airflow_ml.execution.launching import wants_container
from airflow_ml.execution.meeting import Meeting, attending
from airflow_ml.execution.rank_plans import write_plan
from airflow_ml.execution.run_parameters import run_parameters
from airflow_ml.execution.runner_lock import ENGINE_EMBEDDED
from airflow_ml.graph import ParameterRef
from airflow_ml.runtime.protocol import RunDirectory
from airflow_ml.storage.protocol import Upload

if TYPE_CHECKING:
    from airflow_ml.execution.attempt import Attempt
    from airflow_ml.execution.model import LogLine, StepTask
    from airflow_ml.execution.preparation import Prepared
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import RunRecord

__all__ = ["as_ranks", "bring_together", "hand_in", "layout_in_run", "meeting_of", "node_directory"]

#: Below the run's files, while it runs.
_FOLDER = "nodes"


def node_directory(services: Services, run: RunRecord, node: int) -> RunDirectory:
    """Return the run directory of another node than the first: two nodes may be on one machine."""
    return RunDirectory(services.run_directory(f"{run.id}.node-{node}"))


def layout_in_run(task: StepTask) -> Layout | None:
    """Return which processes the step has with the run's parameters; None for a step of one process."""
    return layout_of(task.step, run_parameters(task.pipeline), task.title)


@contextmanager
def meeting_of(services: Services, task: StepTask, run: RunRecord, log: LogLine) -> Iterator[Meeting]:
    """
    Hold the meeting of the step's nodes for this attempt; it is the first node's task that calls this.

    Raises:
        NotSupportedError: more nodes than the DAG has tasks for, or containers that cannot reach each other.
    """
    layout = layout_in_run(task)
    is_one_host = layout is None or layout.nodes == 1 or task.pipeline.details.get("engine") == ENGINE_EMBEDDED
    if layout is not None:
        on_nodes = "one node" if layout.nodes == 1 else f"{layout.nodes} nodes"
        log(f"{task.title} has {len(layout.ranks)} processes on {on_nodes}")
    if layout is not None and not is_one_host:
        _refuse_impossible(services, task, layout)
        log(f"{task.title}: its nodes meet as {run.id}")
    with attending(Meeting(services, run.id, layout, None if is_one_host else 0, task.title)) as meeting:
        try:
            yield meeting
        finally:
            if meeting.node is not None:
                with suppress(AzureMLException, OSError):
                    services.artifacts.delete(artifact_path(run.id, _FOLDER), recursive=True)


def _refuse_impossible(services: Services, task: StepTask, layout: Layout) -> None:
    given = task.step.run_settings.get("node_count")
    tasks = task.graph.parameter(given.name).default if isinstance(given, ParameterRef) else given
    if isinstance(tasks, int) and layout.nodes > tasks:
        raise NotSupportedError(
            f"{task.title}: node_count is {layout.nodes} in this run, and its DAG has tasks for {tasks}, the default of"
            " the parameter; make the default as large as the largest value"
        )
    if wants_container(services, task):
        raise NotSupportedError(
            f"{task.title}: its {layout.nodes} nodes would be containers on different machines, which cannot reach each"
            " other; use a compute target whose launcher is 'process' or 'kubernetes', or one node"
        )


def as_ranks(attempt: Attempt, prepared: Prepared) -> Prepared:
    """Return what starts this node's processes; the same as before for a step of one process."""
    meeting = attempt.meeting
    if meeting.layout is None:
        return prepared
    argv = write_plan(
        meeting.layout,
        meeting.node,
        meeting.places,
        directory=attempt.directory,
        argv=prepared.argv,
        python=prepared.python,
        library=attempt.services.step_library(),
    )
    return replace(prepared, argv=argv)


def hand_in(services: Services, run: RunRecord, node: int, places: Mapping[str, Path]) -> None:
    """Hand what the scripts of this node have written for the outputs to the first node."""
    uploads = [
        Upload(file, artifact_path(run.id, f"{_FOLDER}/{node}/{name}/{relative}"))
        for name, place in places.items()
        for relative, file in _files_of(place)
    ]
    if uploads:
        services.artifacts.put_files(uploads, token=f"node-{node}-of-{run.id}")


def bring_together(attempt: Attempt, places: Mapping[str, Path]) -> None:
    """
    Wait until all nodes have done their part, and put what they have handed in beside what this one has written.

    Raises:
        StepFailedError: a script has failed, or two nodes have written the same file, and not the same into it.
        StepLostError: a node is lost.
    """
    artifacts, meeting = attempt.services.artifacts, attempt.meeting
    meeting.end_together(attempt.watch)
    nodes = 1 if meeting.node is None or meeting.layout is None else meeting.layout.nodes
    for node in range(1, nodes):
        for name, place in places.items():
            folder = artifact_path(attempt.run.id, f"{_FOLDER}/{node}/{name}")
            if artifacts.is_folder(folder):
                for found in artifacts.list(folder):
                    relative = found.path.removeprefix(f"{folder}/")
                    target = place if relative == _WHOLE else place / relative.removeprefix(f"{_BELOW}/")
                    _take(attempt, found.path, target, what=f"output {name!r}", node=node)


#: In the place of a relative path, for an output that is one file; and in front of one, for files of a folder.
_WHOLE, _BELOW = "file", "folder"


def _files_of(place: Path) -> Iterator[tuple[str, Path]]:
    if place.is_file():
        yield _WHOLE, place
    for root, _, names in os.walk(place) if place.is_dir() else ():
        for file in (Path(root, name) for name in names):
            yield f"{_BELOW}/{file.relative_to(place).as_posix()}", file


def _take(attempt: Attempt, path: str, target: Path, *, what: str, node: int) -> None:
    artifacts = attempt.services.artifacts
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        artifacts.get(path, target)
        return
    beside = target.with_name(f"{target.name}.of-node-{node}")
    artifacts.get(path, beside)
    try:
        if target.is_file() and filecmp.cmp(target, beside, shallow=False):
            return
    finally:
        beside.unlink()
    raise StepFailedError(
        f"{attempt.title}: {what}: node {node} and a node before it have both written {target.name!r}, and not the"
        " same; write under the rank's own name, or on rank 0 alone"
    )
