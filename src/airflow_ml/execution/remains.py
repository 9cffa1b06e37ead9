"""
What crashes have left on this machine, all of a workspace's at once; `airflow-ml doctor` shows and removes it.

As a rule nothing: the next try of a task clears away what the last one left, and keepers remove what nobody comes back
for. Here is the rest: of tasks that are never tried again, and of keepers that were killed as well. What belongs to an
open run is left alone for as long as its next try may come.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from airflow_ml.compute.docker_engine import home_label
from airflow_ml.compute.docker_launcher import has_keeper, keep_seconds
from airflow_ml.compute.keeper import MARKER_VARIABLE
from airflow_ml.compute.orphans import kill_orphans
from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.kept_attempts import KEPT_SUFFIX
from airflow_ml.execution.leftovers import close_lost_attempt, remove_place
from airflow_ml.storage.fuse_mount import clear_mounts

if TYPE_CHECKING:
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import RunRecord

__all__ = ["Remain", "Remains", "find_remains", "remove_remain"]

#: Seconds after which what an open run has left is nobody's any more; tasks wait for their next try, but not so long.
_OPEN_SECONDS = 24 * 3600.0
_PROCESSES = Path("/proc")


@dataclass(frozen=True)
class Remain:
    """
    Something that was left.

    Attributes:
        kind: what it is.
        run_id: of the step run that it belongs to.
        what: the container's or folder's name, or the process's id and command.
        reason: why nobody needs it.
    """

    kind: Literal["container", "process", "run directory"]
    run_id: str
    what: str
    reason: str


@dataclass(frozen=True)
class Remains:
    """
    What was found.

    Attributes:
        trouble: why nothing is known of containers; None if they were looked at.
    """

    found: tuple[Remain, ...]
    trouble: str | None = None


def find_remains(services: Services) -> Remains:
    """Look for containers, processes and run directories of this workspace that nobody needs."""
    runs = _Runs(services)
    trouble = None
    containers: list[Remain] = []
    try:
        containers += _containers(services, runs)
    except AzureMLException as error:
        trouble = str(error)
    return Remains((*containers, *_processes(runs), *_directories(services, runs)), trouble)


def remove_remain(services: Services, remain: Remain) -> None:
    """
    Remove something that was found.

    Raises:
        ServiceException: it does not go.
    """
    if remain.kind == "container":
        services.containers.engine.remove(remain.what)
    elif remain.kind == "process":
        kill_orphans(remain.run_id)
    else:
        record = services.registry.runs.find(remain.run_id)
        if record is not None:
            close_lost_attempt(services.store, record)
        place = services.registry.home.runs / remain.what
        clear_mounts(place)
        remove_place(place)


class _Runs:
    """Says of run ids whether anybody still needs what belongs to them; each is looked up once."""

    def __init__(self, services: Services) -> None:
        self._runs = services.registry.runs
        self._known: dict[str, RunRecord | None] = {}

    def reason(self, run_id: str, age: float, *, patience: float = _OPEN_SECONDS) -> str | None:
        """Return why nobody needs what a run has left; None if somebody may."""
        if run_id not in self._known:
            self._known[run_id] = self._runs.find(run_id)
        record = self._known[run_id]
        if record is None:
            return "no run of this workspace"
        if record.is_final:
            return f"its run has ended as {record.status}"
        return f"its task has died {age / 3600:.1f} hours ago" if age > patience else None


def _containers(services: Services, runs: _Runs) -> Iterator[Remain]:
    wanted = {"home": home_label(services.home.root), "workspace": services.registry.workspace.name}
    for state in services.containers.engine.find_all(wanted):
        marker = state.label("step-run")
        if has_keeper(marker):  # it removes the container itself, when it is time
            continue
        began = state.started_at.timestamp() if state.started_at is not None else 0.0
        reason = runs.reason(_run_id(marker), time.time() - began, patience=keep_seconds())
        if reason is not None:
            yield Remain("container", _run_id(marker), state.name, f"{reason}, and nobody keeps it")


def _processes(runs: _Runs) -> Iterator[Remain]:
    for pid, marker in _marked_processes().items():
        record = runs.reason(_run_id(marker), 0.0)
        if record is not None and not record.startswith("no run"):  # of another workspace, perhaps
            yield Remain("process", marker, str(pid), record)


def _directories(services: Services, runs: _Runs) -> Iterator[Remain]:
    root = services.registry.home.runs
    living = set(_marked_processes().values())
    for place in sorted(root.iterdir()) if root.is_dir() else ():
        marker = place.name.removesuffix(KEPT_SUFFIX)
        if marker in living or has_keeper(marker):
            continue
        reason = runs.reason(_run_id(marker), time.time() - place.lstat().st_mtime)
        if reason is not None:
            yield Remain("run directory", _run_id(marker), place.name, reason)


def _run_id(marker: str) -> str:
    """Return the run's id: markers of other nodes than the first have a number behind it."""
    return marker[:36]


def _marked_processes() -> Mapping[int, str]:
    """Return the markers of all processes that carry one, by process id; those of other users are not seen."""
    prefix, found = os.fsencode(f"{MARKER_VARIABLE}="), {}
    for folder in _PROCESSES.glob("[0-9]*"):
        try:
            variables = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        for variable in variables:
            if variable.startswith(prefix) and int(folder.name) != os.getpid():
                found[int(folder.name)] = os.fsdecode(variable[len(prefix) :])
    return found
