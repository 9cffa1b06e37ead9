"""Copies of a test's process that die: what a kill leaves behind."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable


def die(*_: object, **__: object) -> None:
    """Kill this process as the kernel's out-of-memory killer does."""
    os.kill(os.getpid(), signal.SIGKILL)


def fork(work: Callable[[], object]) -> int:
    """Run something in a copy of this process that never comes back."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - the copy must not go on with the tests
            print(repr(error), file=sys.stderr)
        finally:
            os._exit(0)
    return pid
