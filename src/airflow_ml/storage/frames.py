"""
Reading a dataset as a pandas frame where the stores are at hand: in the operator, or on the user's machine.

Files of a store on this machine are read where they lie. Others come through the host's cache, some of them arriving
while those before them are parsed; where a few rows are wanted, only the ranges that hold them are fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, BinaryIO

from airflow_ml.runtime import frames
from airflow_ml.storage.cache import FileCache
from airflow_ml.storage.datasets import DatasetFile, Definition, Stores, resolve, store_of

if TYPE_CHECKING:
    import pandas as pd

    from airflow_ml.runtime.frames import Place
    from airflow_ml.storage.protocol import ReadableStore

__all__ = ["read_frame"]

#: Files that arrive at the same time, and ahead of the one that is parsed.
_AHEAD = 8


def read_frame(definition: Definition, stores: Stores, *, cache: Path, strict: bool = False) -> pd.DataFrame:
    """
    Read a dataset into a frame.

    Args:
        definition: of the dataset; its `parse` and `steps` say how files become rows.
        stores: gives the store of a datastore name.
        cache: the folder of the host's cache, for files that lie elsewhere.
        strict: raise for a value that is not of its column's type; it becomes null otherwise.

    Raises:
        DatasetNotFoundError: as in `airflow_ml.storage.datasets.resolve`.
    """
    files = resolve(definition, stores).files
    with _Arrivals(FileCache(cache)) as arrivals:
        return frames.read_frame(
            definition, [(_place(file, stores, arrivals), file.relative_path) for file in files], strict=strict
        )


def _place(file: DatasetFile, stores: Stores, arrivals: _Arrivals) -> Place:
    store = store_of(file, stores)
    local = store.local_path(file.path)
    if local is not None:
        return str(local)
    number = arrivals.expect(store, file)

    @contextmanager
    def opened(is_whole: bool) -> Iterator[BinaryIO | str]:
        is_ranged = hasattr(store, "read_range")
        with arrivals.take(number) if is_whole or not is_ranged else store.open_read(file.path) as stream:
            yield _path_of(stream) if is_whole else stream

    return opened


def _path_of(stream: BinaryIO) -> BinaryIO | str:
    """Return a path of a file that may have lost its name: pandas reads paths in half the time and memory of files."""
    path = f"/proc/self/fd/{stream.fileno()}"
    return path if Path(path).exists() else stream


class _Arrivals:
    """Files on their way into the cache, a few ahead of the one that is taken; nothing is fetched before the first."""

    def __init__(self, cache: FileCache) -> None:
        self._cache = cache
        self._expected: list[tuple[ReadableStore, DatasetFile]] = []
        self._arriving: dict[int, Future[BinaryIO]] = {}
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()
        self._taken: set[int] = set()

    def __enter__(self) -> _Arrivals:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        for future in self._arriving.values():
            if not future.cancelled() and future.exception() is None:
                future.result().close()

    def expect(self, store: ReadableStore, file: DatasetFile) -> int:
        """Say that a file will be taken, and return its number."""
        self._expected.append((store, file))
        return len(self._expected) - 1

    def take(self, number: int) -> BinaryIO:
        """Return a file, opened, when it is there; those behind it set off. Several threads may ask."""
        with self._lock:
            self._start(self._expected[number : number + _AHEAD], number)
            arriving = self._arriving.pop(number)
            self._taken.add(number)
        return arriving.result()

    def _start(self, wanted: Sequence[tuple[ReadableStore, DatasetFile]], number: int) -> None:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(_AHEAD, thread_name_prefix="arriving")
        for index, (store, file) in enumerate(wanted, number):
            if index not in self._arriving and index not in self._taken:
                self._arriving[index] = self._pool.submit(self._cache.open, store, file.info)
