"""
Whether the process that drives an embedded run is alive.

The process that submits takes a kernel lock on a file of the run and hands the open file to the runner it starts, so
that the lock is held from before the runner exists until it dies, however it dies.
"""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_ml.registry import Registry, RunRecord

__all__ = ["ENGINE_EMBEDDED", "close_if_lost", "lock_runner"]

#: Value of the detail `engine` of pipeline runs that a process of one machine drives.
ENGINE_EMBEDDED = "embedded"


def lock_runner(registry: Registry, run_id: str) -> int:
    """Return an open, locked file descriptor for the run's driver; inherited by whoever drives it."""
    folder = registry.home.runs / run_id
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "runner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def close_if_lost(registry: Registry, run: RunRecord) -> RunRecord:
    """Return the run; an embedded one of this machine whose driver died is closed as Failed first."""
    if run.is_final or run.details.get("engine") != ENGINE_EMBEDDED:
        return run
    place = registry.home.runs / run.id / "runner.lock"
    if not place.exists() or _is_locked(os.fspath(place)):
        return run
    run = registry.runs.get(run.id)  # its driver may have recorded the end between the two looks
    if run.is_final:
        return run
    message = "the process that ran the pipeline died; submit it again"
    for step in registry.runs.steps(run.id):
        if not step.is_final:
            registry.runs.set_status(step.id, "Failed", error={"code": "StepLostError", "message": message})
    return registry.runs.set_status(run.id, "Failed", error={"code": "RunnerLost", "message": message})


def _is_locked(place: str) -> bool:
    descriptor = os.open(place, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
