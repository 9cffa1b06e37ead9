"""What lies at many paths of a store: by one listing where that is quick, one by one where it would be long."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from airflow_ml.storage.transfer.pool import run_jobs
from airflow_ml.storage.transfer.progress import Progress

if TYPE_CHECKING:
    from airflow_ml.storage.protocol import FileInfo, ReadableStore
    from airflow_ml.storage.transfer.pool import Piece

__all__ = ["look"]

#: Up to so many files are looked at one by one.
_FEW = 8

#: A listing is given up when it has become longer than this, and so many times longer than what is looked for.
_LONG, _TIMES = 10_000, 4


def look(store: ReadableStore, paths: Sequence[str]) -> Mapping[str, FileInfo]:
    """Return what is known of those paths that are files."""
    found: dict[str, FileInfo] = {}
    rest = sorted(paths)
    if len(rest) > _FEW:
        rest = _list(store, rest, found)
    failure = run_jobs((_Look(store, path, found.__setitem__) for path in rest), Progress("look"))
    if failure is not None:
        raise failure.error
    return found


def _list(store: ReadableStore, paths: Sequence[str], found: dict[str, FileInfo]) -> list[str]:
    """Look by a listing of the common folder, and return the paths that it has not come to."""
    folder, wanted, last = os.path.commonpath([path.rpartition("/")[0] for path in paths]), set(paths), paths[-1]
    longest = max(_LONG, _TIMES * len(paths))
    for number, info in enumerate(store.list(folder)):
        if info.path in wanted:
            found[info.path] = info
        if info.path >= last:
            break
        if number >= longest:
            return [path for path in paths if path > info.path]
    return []


class _Look:
    """The job that looks at one path."""

    weight = 0

    def __init__(self, store: ReadableStore, path: str, tell: Callable[[str, FileInfo], None]) -> None:
        self.name, self._store, self._tell = path, store, tell

    def start(self) -> tuple[int, Sequence[tuple[int, Piece]]]:
        """Ask the store."""
        with suppress(FileNotFoundError):
            self._tell(self.name, self._store.stat(self.name))
        return 0, ()

    def finish(self) -> None:
        """Do nothing more."""

    def abandon(self) -> None:
        """Do nothing more."""
