"""
What a crashed attempt may have left running, found by the marker in the processes' environment.

Normally nothing: the keeper cleans up when its operator dies, and the kernel kills the script when its keeper dies.
If both were killed at once, children of the script can be left. The next attempt of the same step calls
`kill_orphans` before it starts.
"""

from __future__ import annotations

import logging
import os
import select
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from airflow_ml.compute.keeper import MARKER_VARIABLE, ROLE_VARIABLE
from airflow_ml.exceptions import ServiceException

__all__ = ["Orphan", "find_orphans", "kill_orphans"]

logger = logging.getLogger(__name__)

_PROCESSES = Path("/proc")


@dataclass(frozen=True)
class Orphan:
    """
    A living process of an attempt.

    Attributes:
        command: its command line, arguments joined by blanks.
        is_keeper: whether it is the attempt's keeper, which ends the others when it is asked to.
    """

    pid: int
    command: str
    is_keeper: bool


def find_orphans(marker: str) -> tuple[Orphan, ...]:
    """
    Return the living processes that carry the attempt's marker, the calling process excluded.

    Processes of other users cannot be looked into, and one that has emptied its environment is not seen. Without
    /proc nothing is found.
    """
    wanted = os.fsencode(f"{MARKER_VARIABLE}={marker}")
    found = []
    for folder in _PROCESSES.glob("[0-9]*"):
        pid = int(folder.name)
        variables = _read(folder / "environ").split(b"\0")
        if pid == os.getpid() or wanted not in variables:
            continue
        command = os.fsdecode(_read(folder / "cmdline").replace(b"\0", b" ").strip())
        found.append(Orphan(pid, command, is_keeper=os.fsencode(f"{ROLE_VARIABLE}=1") in variables))
    return tuple(sorted(found, key=lambda orphan: orphan.pid))


def kill_orphans(marker: str, *, timeout: float = 5.0) -> tuple[Orphan, ...]:
    """
    End every process that carries the attempt's marker and return those that were found.

    A living keeper is asked first, because it also reaches processes that have emptied their environment; what is
    there after a second is killed.

    Raises:
        ServiceException: a process is still there after `timeout` seconds, for instance stuck in a dead file system.
    """
    deadline = time.monotonic() + timeout
    found: dict[int, Orphan] = {}
    number = signal.SIGTERM
    while left := find_orphans(marker):
        found.update({orphan.pid: orphan for orphan in left})
        keepers = [orphan for orphan in left if orphan.is_keeper]
        if not keepers:
            number = signal.SIGKILL
        if time.monotonic() > deadline:
            pids = ", ".join(str(orphan.pid) for orphan in left)
            raise ServiceException(
                f"attempt {marker!r}: processes {pids} of an earlier run do not end; look at them with ps and restart"
                " the machine if they hang in its file system"
            )
        for orphan in keepers if number == signal.SIGTERM else left:
            _send(orphan.pid, number)
        _wait_for_end([orphan.pid for orphan in left], seconds=1.0)
        number = signal.SIGKILL
    for orphan in found.values():
        logger.warning("attempt %s: ended process %d of an earlier run: %s", marker, orphan.pid, orphan.command)
    return tuple(found.values())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # gone meanwhile, or another user's
        return b""


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        logger.debug("process %d could not be signalled", pid)


def _wait_for_end(pids: list[int], *, seconds: float) -> None:
    """Wait until all of them are gone or dead, at most for so long."""
    waiting = select.poll()
    descriptors = set()
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            continue
        descriptors.add(descriptor)
        waiting.register(descriptor, select.POLLIN)
    deadline = time.monotonic() + seconds
    while descriptors and (left := deadline - time.monotonic()) > 0:
        for descriptor, _ in waiting.poll(left * 1000):
            waiting.unregister(descriptor)
            descriptors.discard(descriptor)
            os.close(descriptor)
    for descriptor in descriptors:
        os.close(descriptor)
