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


def before(owner: object, name: str) -> Callable[[], None]:
    """Return what makes the process die before it calls a function."""
    return lambda: setattr(owner, name, die)


def after(owner: object, name: str, count: int = 1) -> Callable[[], None]:
    """Return what makes the process die after its n-th call of a function."""

    def patch() -> None:
        real, calls = getattr(owner, name), []

        def wrapped(*arguments: object, **options: object) -> object:
            result = real(*arguments, **options)
            calls.append(1)
            return die() if len(calls) == count else result

        setattr(owner, name, wrapped)

    return patch
