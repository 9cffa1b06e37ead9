"""Files in parts: how large those are, and which stores know them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Protocol, TypeGuard, runtime_checkable

from airflow_ml.storage.protocol import PartStore, ReadableStore, Store

__all__ = [
    "PART_SIZE",
    "RangeReader",
    "StreamedReader",
    "is_part_store",
    "part_length",
    "part_size_for",
    "pieces_of",
    "read_at",
    "reads_ranges",
]

#: Of a part in bytes, and of the largest file that goes in one piece: twice what the SDK takes halves the requests,
#: more was not faster.
PART_SIZE = 8 << 20

#: Azure takes 50,000 parts.
_MOST_PARTS = 40_000

_MEBIBYTE = 1 << 20


@runtime_checkable
class RangeReader(Protocol):
    """A store that parts of files can be read from."""

    def read_range(self, path: str, start: int, length: int, *, etag: str) -> bytes:
        """See `PartStore`."""
        ...


@runtime_checkable
class StreamedReader(Protocol):
    """A store whose ranges can be had as they come, so that none of them lies in memory whole."""

    def read_to(
        self, path: str, start: int, length: int, sink: Callable[[int, memoryview], object], *, etag: str
    ) -> int:
        """
        Hand bytes of one file to a sink, with their position in the range, and return how many there were.

        After a failure on the way it begins anew at 0; ServiceException if it is another file than the ETag says.
        """
        ...


def reads_ranges(store: ReadableStore) -> TypeGuard[RangeReader]:
    """Tell whether parts of files can be read."""
    return isinstance(store, RangeReader)


def is_part_store(store: Store) -> TypeGuard[PartStore]:
    """Tell whether files can be written in parts, which is so for stores across a network."""
    return hasattr(store, "begin") and hasattr(store, "read_range")


def part_size_for(size: int) -> int:
    """Return the size of the parts of a file: the usual one unless there would be too many."""
    parts = -(-size // PART_SIZE)
    return PART_SIZE if parts <= _MOST_PARTS else -(-size // (_MOST_PARTS * _MEBIBYTE)) * _MEBIBYTE


def part_length(index: int, size: int, part_size: int) -> int:
    """Return how many bytes a part has; the last one is shorter."""
    return min(part_size, size - index * part_size)


def pieces_of(descriptor: int, index: int, size: int, part_size: int) -> Iterator[bytes]:
    """Yield a part of an open local file in small pieces."""
    start, end = index * part_size, index * part_size + part_length(index, size, part_size)
    for position in range(start, end, _MEBIBYTE):
        yield read_at(descriptor, position, min(_MEBIBYTE, end - position))


def read_at(descriptor: int, start: int, length: int) -> bytes:
    """Return bytes of an open local file; fewer where it ends."""
    content = os.pread(descriptor, length, start)
    while len(content) < length and (more := os.pread(descriptor, length - len(content), start + len(content))):
        content += more
    return content
