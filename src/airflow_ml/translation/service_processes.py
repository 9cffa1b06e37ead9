"""
The processes of the background service: found by a marker in their environment, and ended.

Airflow's standalone command starts four parts, which start others; if it is killed they live on. They all inherit
the marker. Step scripts do not, but carry their attempt's own one beside the AIRFLOW_HOME.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from airflow_ml.compute.keeper import MARKER_VARIABLE
from airflow_ml.exceptions import ServiceException

__all__ = ["MARKER", "end_processes", "find_processes", "has_dead_child"]

#: Environment variable of every process of a service: its folder. Like Airflow's settings it is not handed on.
MARKER = "_AIRFLOW_ML_SERVICE"

_PROCESSES = Path("/proc")
_LOOK_SECONDS = 0.05


def find_processes(root: Path) -> frozenset[int]:
    """Return the ids of all living processes of the service whose folder this is, its steps' scripts included."""
    own = os.fsencode(f"{MARKER}={root}")
    airflow_home = os.fsencode(f"AIRFLOW_HOME={root}")
    attempt = os.fsencode(f"{MARKER_VARIABLE}=")
    found = set()
    for folder in _PROCESSES.glob("[0-9]*"):
        variables = _environment_of(folder)
        is_script = airflow_home in variables and any(item.startswith(attempt) for item in variables)
        if own in variables or is_script:
            found.add(int(folder.name))
    return frozenset(found - {os.getpid()})


def end_processes(root: Path, *, grace_seconds: float = 10.0) -> int:
    """
    End all processes of the service and return how many there were.

    They are asked (SIGTERM), and killed after the grace. Steps that run are stopped with them.

    Raises:
        ServiceException: some are still there 10 seconds after they were killed.
    """
    seen: set[int] = set()
    kill_at = time.monotonic() + grace_seconds
    asked: set[int] = set()
    while left := find_processes(root):
        seen |= left
        now = time.monotonic()
        if now > kill_at + 10:
            pids = ", ".join(str(pid) for pid in sorted(left))
            raise ServiceException(f"service in {str(root)!r}: processes {pids} do not end; look at them with ps")
        # Each is asked once: a second SIGTERM makes some parts of Airflow leave without cleaning up.
        _send(left if now > kill_at else left - asked, signal.SIGKILL if now > kill_at else signal.SIGTERM)
        asked |= left
        time.sleep(_LOOK_SECONDS)
    return len(seen)


def has_dead_child(pid: int) -> bool:
    """
    Whether a child of the process has ended without being waited for.

    Airflow's standalone command neither waits for its parts nor restarts them, so this tells that one is missing.
    """
    for folder in _PROCESSES.glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_bytes().rpartition(b")")[2].split()[:2]
        except (OSError, ValueError):
            continue
        if int(parent) == pid and state == b"Z":
            return True
    return False


def _send(pids: Collection[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _environment_of(folder: Path) -> list[bytes]:
    """Return the variables; none for a process that is dead, just gone, or another user's."""
    try:
        return (folder / "environ").read_bytes().split(b"\0")
    except OSError:
        return []
