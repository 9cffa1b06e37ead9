"""
Digests of data files, remembered from one look to the next, as git and DVC do.

A file whose size, modification time, change time, inode and device are those that it had when it was read is not read
again. Times have a granularity: a file that was changed right before it was read could be changed again without a
trace. As git does, such a digest is given but not kept (git's text on "racy" entries), so the file is read once more.

The cache is an SQLite file. What goes wrong with it (damaged, locked, no space, read-only) is a miss and no error; each
row is checked against a sum of its own, so that a damaged file cannot give a wrong digest.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from stat import S_ISREG

from airflow_ml.hashing.content import LARGE, FileDigest, Identity, hash_file
from airflow_ml.hashing.digest_table import DigestTable
from airflow_ml.hashing.spread import spread

__all__ = ["GRANULARITY_NS", "StatCache", "is_settled"]

#: Of the coarsest clock that files are stamped by (FAT: two seconds), in nanoseconds.
GRANULARITY_NS = 2_000_000_000

_CHUNK = 1000


def is_settled(identity: Identity, read_at_ns: int) -> bool:
    """Tell whether any later change of a file that was read at that time must show in its identity."""
    return max(identity.mtime_ns, identity.ctime_ns) + GRANULARITY_NS <= read_at_ns


class StatCache:
    """
    Content digests of files; safe for many threads and processes at once, and after a fork.

    What is found out is written by `save`, at the end of `digest_files`, and now and then.

    Args:
        folder: where the cache lies; made when something is saved.
        max_bytes: above it, the half that was not used for the longest time is forgotten.
    """

    def __init__(self, folder: Path, *, max_bytes: int = 256 << 20) -> None:
        self._table = DigestTable(folder, max_bytes=max_bytes)

    def digest_file(self, path: str | Path) -> FileDigest:
        """
        Return the digest of a file's content.

        Raises:
            OSError: no such file, no plain file, not readable; EBUSY: something keeps writing to it.
        """
        place = _absolute(path)
        identity = _identity(place)
        known = self._table.find([(place, identity)]) if identity else {}
        return known.get(place) or self._read(place)

    def digest_files(self, paths: Iterable[str | Path]) -> Iterator[FileDigest]:
        """
        Yield the digests of files in their order; many are read at once, and few are held in memory.

        Raises:
            OSError: as `digest_file`, at the file's turn at the latest.
        """
        places = map(_absolute, paths)
        try:
            while chunk := list(islice(places, _CHUNK)):
                yield from self._digest_chunk(chunk)
        finally:
            self.save()

    def _digest_chunk(self, places: Sequence[str]) -> Iterator[FileDigest]:
        identities = dict(zip(places, spread(_identity, places), strict=True))
        known = self._table.find([(place, identity) for place, identity in identities.items() if identity])
        # A large file keeps all processors busy by itself, and a few of them at once would need much memory.
        small = [place for place, identity in identities.items() if place not in known and _is_small(identity)]
        read = dict(zip(small, spread(self._read, small), strict=True))
        for place in places:
            yield known.get(place) or read.get(place) or self._read(place)

    def _read(self, place: str) -> FileDigest:
        started = time.time_ns()
        identity, digest = hash_file(place)
        if is_settled(identity, started):
            self._table.add(place, identity, digest)
        return digest

    def save(self) -> None:
        """Write what is new, for later processes."""
        self._table.save()


def _absolute(path: str | Path) -> str:
    place = os.fspath(path)
    return place if place.startswith("/") else str(Path(place).absolute())


def _identity(place: str) -> Identity | None:
    """Return a file's identity; None for what reading will say an error about."""
    try:
        status = os.stat(place)  # noqa: PTH116 - a million times
    except OSError:
        return None
    return Identity.of(status) if S_ISREG(status.st_mode) else None


def _is_small(identity: Identity | None) -> bool:
    return identity is not None and identity.size <= LARGE
