"""Calls of foreign code, watched: one that takes long is named in the log while it still runs."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["SLOW_SECONDS", "watched"]

logger = logging.getLogger(__name__)

#: After so many seconds a call is called slow; a look into a registry or another service takes well below one.
SLOW_SECONDS = 5.0


class _Watch:
    """The calls that this process makes now, and the thread that looks at them."""

    def __init__(self) -> None:
        self._calls: dict[object, tuple[str, float]] = {}
        self._named: set[object] = set()
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()

    def begin(self, what: str) -> object:
        """Note a call; return what ends it."""
        key = object()
        self._calls[key] = (what, time.monotonic())
        if self._thread is None:
            # A daemon: a call that never returns must not keep a process alive that is told to end.
            self._thread = threading.Thread(target=self._look, name="airflow-ml calls", daemon=True)
            self._thread.start()
        self._wake.set()
        return key

    def end(self, key: object) -> None:
        """Forget a call, with a word if it was slow."""
        what, began = self._calls.pop(key)
        if key in self._named:
            self._named.discard(key)
            logger.warning("%s has returned after %.0f seconds", what, time.monotonic() - began)

    def _look(self) -> None:
        while True:
            pending = [began for key, (_, began) in tuple(self._calls.items()) if key not in self._named]
            self._wake.wait(min(pending) + SLOW_SECONDS - time.monotonic() if pending else None)
            self._wake.clear()
            self._name_slow()

    def _name_slow(self) -> None:
        now = time.monotonic()
        for key, (what, began) in tuple(self._calls.items()):
            if now - began >= SLOW_SECONDS and key not in self._named:
                self._named.add(key)
                logger.warning("%s has taken %.0f seconds and still runs; this process waits for it", what, now - began)


_watch = _Watch()


def _after_fork() -> None:
    global _watch
    _watch = _Watch()  # the parent's thread is not here


os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def watched(what: str) -> Iterator[None]:
    """Name a call in the log if it takes longer than `SLOW_SECONDS`, and again when it returns."""
    watch = _watch
    key = watch.begin(what)
    try:
        yield
    finally:
        watch.end(key)
