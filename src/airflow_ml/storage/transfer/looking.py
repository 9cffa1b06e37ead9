"""What lies at many paths of a store: by one listing where that is quick, one by one where it would be long."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from airflow_ml.storage.transfer.pool import run_jobs
from airflow_ml.storage.transfer.progress import Progress

if TYPE_CHECKING:
    from airflow_ml.storage.protocol import FileInfo, ReadableStore
    from airflow_ml.storage.transfer.pool import Piece

__all__ = ["ListAhead", "look"]

#: Up to so many files are looked at one by one.
_FEW = 8

#: A listing is given up when it has become longer than this, and so many times longer than what is looked for.
_LONG, _TIMES = 10_000, 4


class ListAhead:
    """
    The listing of a folder, the beginning of which is fetched beside whatever else goes on meanwhile.

    Iterating raises what the listing raises.
    """

    def __init__(self, store: ReadableStore, folder: str) -> None:
        self._rest = store.list(folder)
        self._first: list[FileInfo] = []
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._read, name="list-ahead", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            self._first = list(islice(self._rest, _LONG))
        except Exception as exc:  # noqa: BLE001 - whatever it is, the caller's thread raises it
            self._error = exc

    def __iter__(self) -> Iterator[FileInfo]:
        self._thread.join()
        if self._error is not None:
            raise self._error
        yield from self._first
        yield from self._rest


def look(
    store: ReadableStore, paths: Sequence[str], *, listing: Iterable[FileInfo] | None = None
) -> Mapping[str, FileInfo]:
    """
    Return what is known of those paths that are files.

    Args:
        listing: of a folder that all lie in, if there is one already.
    """
    found: dict[str, FileInfo] = {}
    rest = sorted(paths)
    if len(rest) > _FEW:
        rest = _list(store, rest, found, listing)
    failure = run_jobs((_Look(store, path, found.__setitem__) for path in rest), Progress("look"))
    if failure is not None:
        raise failure.error
    return found


def _list(
    store: ReadableStore, paths: Sequence[str], found: dict[str, FileInfo], listing: Iterable[FileInfo] | None
) -> list[str]:
    """Look by a listing of the common folder, and return the paths that it has not come to."""
    folder, wanted, last = os.path.commonpath([path.rpartition("/")[0] for path in paths]), set(paths), paths[-1]
    longest = max(_LONG, _TIMES * len(paths))
    for number, info in enumerate(store.list(folder) if listing is None else listing):
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
