"""
Forks of a process that works with a registry in an SQLite file.

SQLite remembers in the process's memory what it has open and locked of a file. A fork copies that memory, while the
kernel's locks stay with the parent. A child that opens the same file again therefore takes none, other processes take
themselves for the last user of the file, and remove the write-ahead log that the child writes to: what it writes is
lost without an error. So nothing of such a file is open at the moment of a fork: a fork waits for transactions of
other threads, which take milliseconds, and idle connections are closed before it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from airflow_ml.exceptions import ServiceException

__all__ = ["around_forks", "using_file"]

#: A fork does not wait longer for transactions of other threads, in seconds.
_WAIT_SECONDS = 10.0


class _Forks:
    """Which threads use SQLite files now, and which one forks."""

    def __init__(self) -> None:
        self.close: list[Callable[[], None]] = []
        self.forget: list[Callable[[], None]] = []
        self.is_cut = False
        self._renew()

    def _renew(self) -> None:
        self._changed = threading.Condition()
        self._users: dict[int, int] = {}
        self._forking: int | None = None

    def enter(self) -> None:
        thread = threading.get_ident()
        with self._changed:
            while self._forking not in (None, thread) and thread not in self._users:
                self._changed.wait()
            self._users[thread] = self._users.get(thread, 0) + 1

    def leave(self) -> None:
        thread = threading.get_ident()
        with self._changed:
            self._users[thread] -= 1
            if not self._users[thread]:
                del self._users[thread]
                self._changed.notify_all()

    def before(self) -> None:
        thread, end = threading.get_ident(), time.monotonic() + _WAIT_SECONDS
        with self._changed:
            while self._forking is not None:
                self._changed.wait()
            self._forking = thread
            while self._users.keys() - {thread} and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
        for close in self.close:
            close()

    def after_in_parent(self) -> None:
        with self._changed:
            self._forking = None
            self._changed.notify_all()

    def after_in_child(self) -> None:
        self.is_cut = self.is_cut or bool(self._users)
        self._renew()
        for forget in self.forget:
            forget()


_forks = _Forks()
os.register_at_fork(before=_forks.before, after_in_parent=_forks.after_in_parent, after_in_child=_forks.after_in_child)


def around_forks(*, close: Callable[[], None], forget: Callable[[], None]) -> None:
    """Have idle connections closed before each fork, and those that were in use forgotten in the child."""
    _forks.close.append(close)
    _forks.forget.append(forget)


@contextmanager
def using_file() -> Iterator[None]:
    """
    Stand around each transaction on an SQLite file; a fork waits for it.

    Raises:
        ServiceException: this process was forked in the middle of a transaction, and can use such files no more.
    """
    if _forks.is_cut:
        raise ServiceException(
            "this process was forked while a transaction of the registry was open, so it cannot use the registry's"
            " SQLite file; fork outside of transactions, or start the process anew (subprocess, spawn)"
        )
    _forks.enter()
    try:
        yield
    finally:
        _forks.leave()
