"""
A task that dies with its supervisor, at once.

Airflow's supervisor talks to its task over sockets, and a task notices that it is gone only when it has something to
say, at its end. Until then it would run beside its own retry, and nobody would see its log. The kernel can tell it.
"""

from __future__ import annotations

import threading

from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import CommsDecoder

from airflow_ml.compute import keeper

__all__ = ["die_with_supervisor"]


def die_with_supervisor() -> None:
    """
    Let the kernel kill this task when its supervisor has died: then what a killed task leaves behind is all there is.

    A task that Airflow runs in its caller's process has no supervisor, and is left alone.
    """
    comms = getattr(task_runner, "SUPERVISOR_COMMS", None)
    # The in-process runner has a stand-in of another class, and may run in any thread.
    if isinstance(comms, CommsDecoder) and threading.current_thread() is threading.main_thread():
        keeper.prctl(keeper.PR_SET_PDEATHSIG, keeper.SIGKILL)
