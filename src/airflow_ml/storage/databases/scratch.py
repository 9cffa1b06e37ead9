"""A temporary folder that does not outlive its process, however that ends: the next process clears it away."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path

__all__ = ["Scratch"]

_PREFIX = "airflow-ml-query-"
_LOCK = "lock"


class Scratch:
    """
    A folder that only this user can look into.

    The process holds a lock in it, which the kernel lets go of when the process dies; whoever makes such a folder
    removes those whose lock is free.

    Attributes:
        folder: is there for as long as this object is.
    """

    def __init__(self) -> None:
        _remove_left()
        self.folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        descriptor = os.open(self.folder / f"{_LOCK}.new", os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Only now it can be seen, so that nobody finds the lock free before it was taken.
        (self.folder / f"{_LOCK}.new").rename(self.folder / _LOCK)
        weakref.finalize(self, _remove, self.folder, descriptor)


def _remove(folder: Path, descriptor: int) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    os.close(descriptor)


def _remove_left() -> None:
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        with suppress(OSError):  # another user's, in use, or gone in this moment
            descriptor = os.open(lock, os.O_RDWR)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
            finally:
                os.close(descriptor)
