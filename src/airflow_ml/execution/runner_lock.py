"""
Whether the process that drives an embedded run is alive.

The process that submits takes a kernel lock on a file of the run and hands the open file to the runner it starts, so
that the lock is held from before the runner exists until it dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.artifacts import store_artifacts
from airflow_ml.execution.leftovers import close_lost_attempt, lost
from airflow_ml.execution.model import Verdict
from airflow_ml.execution.stores import Stores
from airflow_ml.registry import RunStateError

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ml.graph import Json
    from airflow_ml.registry import Registry, RunRecord

__all__ = ["ENGINE_EMBEDDED", "RUNNER_LOG_FILE", "RUNNER_LOG_NAME", "close_if_lost", "driver_folder", "lock_runner"]

#: Value of the detail `engine` of runs that a process of one machine drives.
ENGINE_EMBEDDED = "embedded"

#: The driver's own log inside the run's folder, and v1's name for it among the run's files.
RUNNER_LOG_FILE = "runner.log"
RUNNER_LOG_NAME = "logs/azureml/executionlogs.txt"


def driver_folder(registry: Registry, run_id: str) -> Path:
    """Return where the process that drives an embedded run keeps its things while it lives."""
    return registry.home.drivers / run_id


def lock_runner(registry: Registry, run_id: str) -> int:
    """Return an open, locked file descriptor for the run's driver; inherited by whoever drives it."""
    folder = driver_folder(registry, run_id)
    folder.mkdir(parents=True, exist_ok=True)
    place = folder / "runner.lock"
    fresh = place.with_suffix(".new")
    descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    # Under its name the file is locked from its first moment: an unlocked one means that the driver is dead.
    fresh.replace(place)
    return descriptor


def close_if_lost(registry: Registry, run: RunRecord) -> RunRecord:
    """
    Return the run; one of an embedded run of this machine whose driver died is closed as Failed first.

    A driver that died takes its step's script with it; what is left of both on this machine is cleared away.
    """
    if run.is_final:
        return run
    if run.kind == "step" and run.parent_id is not None:
        close_if_lost(registry, registry.runs.get(run.parent_id))
        return registry.runs.get(run.id)
    if run.details.get("engine") != ENGINE_EMBEDDED:
        return run
    folder = driver_folder(registry, run.id)
    place = folder / "runner.lock"
    if not place.exists() or _is_locked(os.fspath(place)):
        return run
    run = registry.runs.get(run.id)  # its driver may have recorded the end between the two looks
    return run if run.is_final else _close(registry, run, folder)


def _close(registry: Registry, run: RunRecord, folder: Path) -> RunRecord:
    message = f"the process that ran the {run.kind} died; submit it again"
    places = Stores(registry)
    for child in registry.runs.children(run.id):
        if child.kind == "step":
            close_lost_attempt(places, child, lost(f"step {child.name!r}: {message}"))
    with suppress(AzureMLException, OSError):
        store_artifacts(places, run.id, {RUNNER_LOG_NAME: folder / RUNNER_LOG_FILE})
    error: dict[str, Json] = {"code": "RunnerLost", "message": message}
    if run.kind == "script":
        close_lost_attempt(places, run, Verdict("Failed", error))
    try:
        closed = registry.runs.set_status(run.id, "Failed", error=error)
    except RunStateError:  # another process has closed it meanwhile
        closed = registry.runs.get(run.id)
    shutil.rmtree(folder, ignore_errors=True)
    return closed


def _is_locked(place: str) -> bool:
    descriptor = os.open(place, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
