"""
What a Celery worker imports before it forks, so that none of its tasks has to.

Airflow loads plugins in a worker's task processes alone, after the fork. Modules of the entry point group
`airflow.policy` it loads in every process when it sets itself up; this one is named there, and does nothing anywhere
but in a Celery worker. It defines no policy.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress

from airflow_ml._late import late

__all__: list[str] = []

_preload = late("airflow_ml.translation.preload")

#: The process whose objects are frozen.
_frozen: list[int] = []


def _freeze_once() -> None:
    """
    Keep the garbage collector of forked processes away from what is there before the first fork.

    Each of its rounds would write into all objects of the worker, so that the kernel copies them for every task.
    """
    if os.getpid() not in _frozen:
        _frozen[:] = [os.getpid()]
        gc.collect()
        gc.freeze()


if sys.argv[1:3] == ["celery", "worker"]:
    # What cannot be imported here is said by the tasks that need it, and keeps no others from running.
    with suppress(ImportError):
        _preload.preload_tasks()
    os.register_at_fork(before=_freeze_once)
