"""
What a task does for its supervisor's sake: it dies with it, and lets it know at once when it has ended.

Airflow's supervisor talks to its task over sockets. A task notices that the supervisor is gone only when it has
something to say, at its end; until then it would run beside its own retry. The other way round, a supervisor whose last
socket closes a moment before the task is dead sleeps for another `[workers] min_heartbeat_interval`, five seconds by
default, with the worker's slot in hand (Airflow 3.3.2: every third task).
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import CommsDecoder

from airflow_ml.compute import keeper

__all__ = ["supervised"]

#: Waits until its standard input ends, and a moment longer: a process closes its files before it is dead.
_WAIT = ("/bin/sh", "-c", "read _; exec sleep 0.02")
_STDIN, _STDOUT, _STDERR = 0, 1, 2


@contextmanager
def supervised() -> Iterator[None]:
    """
    Do both for the work in this block; a task that Airflow runs in its caller's process has no supervisor.

    A supervisor that dies takes the task with it by the kernel's hand, so the next try finds nothing that still runs.
    """
    if not _has_supervisor():
        yield
        return
    keeper.prctl(keeper.PR_SET_PDEATHSIG, keeper.SIGKILL)
    try:
        yield
    finally:
        _end_promptly()


def _end_promptly() -> None:
    """
    Let the supervisor's last socket close after this task's death, and not just before it.

    A program that does nothing holds the socket until this process is gone, which it sees by a pipe.
    """
    if not (stat.S_ISSOCK(os.fstat(_STDOUT).st_mode) and os.access(_WAIT[0], os.X_OK)):
        return
    reader, _writer = os.pipe()  # the writer is open for as long as this process lives
    actions = [(os.POSIX_SPAWN_DUP2, reader, _STDIN), (os.POSIX_SPAWN_DUP2, _STDOUT, _STDERR)]
    with suppress(OSError):
        os.posix_spawn(_WAIT[0], _WAIT, {"PATH": os.defpath}, file_actions=actions)
    os.close(reader)


def _has_supervisor() -> bool:
    """Whether Airflow runs this task in a process of its own; its in-process runner has a stand-in for the sockets."""
    comms = getattr(task_runner, "SUPERVISOR_COMMS", None)
    return isinstance(comms, CommsDecoder) and threading.current_thread() is threading.main_thread()
