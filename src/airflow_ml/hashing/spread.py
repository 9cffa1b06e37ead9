"""Work on many files: in threads where files are slow, one by one where threads would only wait for each other."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["spread"]

_WORKERS = 8

#: A file that takes longer than this waits for a disk or a network, or is hashed outside of Python's lock.
_SLOW_SECONDS = 100e-6

#: So many files are tried before that is decided.
_TRIAL = 16

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")


def spread(work: Callable[[_Item], _Answer], items: Sequence[_Item]) -> list[_Answer]:
    """Return what the work gives for each item, in their order; an error is that of the first item that has one."""
    started = time.perf_counter()
    first = [work(item) for item in items[:_TRIAL]]
    rest = items[_TRIAL:]
    if not rest or time.perf_counter() - started < _SLOW_SECONDS * len(first):
        return first + [work(item) for item in rest]
    with ThreadPoolExecutor(_WORKERS, "airflow-ml-files") as pool:
        return first + list(pool.map(work, rest))
