"""One local file on its way into a store."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.exceptions import ServiceException
from airflow_ml.hashing.content import Identity
from airflow_ml.storage.files import outlast_clock, storage_errors
from airflow_ml.storage.transfer.digests import OrderedDigest, digest_of_file
from airflow_ml.storage.transfer.parts import PART_SIZE, is_part_store, part_length, part_size_for, pieces_of, read_at

if TYPE_CHECKING:
    from airflow_ml.storage.protocol import FileInfo, PartStore, Store
    from airflow_ml.storage.transfer.pool import Piece

__all__ = ["Sending", "SentFile", "SentParts"]


class SentFile:
    """
    What became of a file.

    Attributes:
        info: as it lies in the store; None if nothing was sent, because the path was taken.
        identity: of the local file while it was read.
        read_at_ns: when it was looked at.
    """

    def __init__(self, info: FileInfo | None, identity: Identity, read_at_ns: int) -> None:
        self.info = info
        self.identity = identity
        self.read_at_ns = read_at_ns


class Sending:
    """
    The job that sends one file: small ones in one piece, large ones in parts, of which those of an earlier try count.

    Args:
        source: the local file.
        path: in the store.
        there: what lies at the path; a file of equal content is left as it is.
        overwrite: False leaves whatever lies there.
        done: told what became of it, by a thread of the pool.
    """

    def __init__(
        self,
        store: Store,
        source: Path,
        path: str,
        *,
        size: int,
        there: FileInfo | None,
        overwrite: bool,
        done: Callable[[Sending, SentFile], None],
    ) -> None:
        self.source, self.path = source, path
        self._store, self._size, self._there, self._overwrite, self._done = store, size, there, overwrite, done
        self._parts: SentParts | None = None

    @property
    def name(self) -> str:
        """The local file's path."""
        return str(self.source)

    @property
    def weight(self) -> int:
        """A file that goes in one piece is held whole."""
        return min(self._size, PART_SIZE)

    def start(self) -> tuple[int, Sequence[tuple[int, Piece]]]:
        """Send a small file, or find out which parts of a large one are missing."""
        with storage_errors(f"upload of {str(self.source)!r}", self.source.parent):
            read_at_ns = time.time_ns()
            before = Identity.of(self.source.stat())
            if self._is_equal(before.size):
                info = self._there
            elif is_part_store(self._store) and self._size > PART_SIZE:
                self._parts = SentParts(self._store, self.source, self.path)
                return self._parts.start()
            else:
                info = self._created(partial(self._store.write, self.path, self.source, overwrite=self._overwrite))
            self._done(self, SentFile(info, self._unchanged(before), read_at_ns))
        return self._size, ()

    def _is_equal(self, size: int) -> bool:
        """Tell whether what lies there has the local file's content; that is read only if the sizes are equal."""
        there = self._there
        if there is None or not there.digest or there.size != size:
            return False
        return digest_of_file(self.source, there.digest) == there.digest

    def _created(self, write: Callable[[], FileInfo]) -> FileInfo | None:
        """Return what was written; None if somebody has taken the path meanwhile, and that is left."""
        try:
            return write()
        except FileExistsError:
            if self._overwrite:
                raise
            return None

    def _unchanged(self, before: Identity) -> Identity:
        if Identity.of(self.source.stat()) != before:
            raise ServiceException(
                f"upload of {str(self.source)!r}: the file was written to while it was sent; stop that and try again"
            )
        return before

    def finish(self) -> None:
        """Have the store make the file of its parts."""
        if self._parts is None:
            return
        parts, self._parts = self._parts, None
        try:
            self._unchanged(parts.identity)
            info = self._created(partial(parts.finish, overwrite=self._overwrite))
            self._done(self, SentFile(info, parts.identity, parts.read_at_ns))
        finally:
            parts.close()

    def abandon(self) -> None:
        """Close the file; what has arrived counts in the next try."""
        if self._parts is not None:
            self._parts.close()


class SentParts:
    """The parts of a large file; its digest is found on the way."""

    def __init__(self, store: PartStore, source: Path, path: str) -> None:
        self.read_at_ns = time.time_ns()
        self._where = f"upload of {str(source)!r}"
        self._stream = source.open("rb", buffering=0)
        try:
            self.identity = Identity.of(os.fstat(self._stream.fileno()))
            self._size, self._part_size = self.identity.size, part_size_for(self.identity.size)
            # A file that is as it was has the content that an earlier try has sent parts of, if every change shows.
            # Reading all of it first would take about as long as sending it.
            outlast_clock(max(self.identity.mtime_ns, self.identity.ctime_ns))
            token = hashlib.sha256(repr((str(source), self.identity)).encode()).hexdigest()
            self._writer = store.begin(path, size=self._size, part_size=self._part_size, token=token)
        except BaseException:
            self._stream.close()
            raise
        self._digest = OrderedDigest("sha256", self._pieces)

    def _pieces(self, index: int) -> Iterator[bytes]:
        return pieces_of(self._stream.fileno(), index, self._size, self._part_size)

    def start(self) -> tuple[int, Sequence[tuple[int, Piece]]]:
        """Return how many bytes have arrived already, and what sends the rest."""
        arrived = self._writer.arrived
        missing = [index for index in range(-(-self._size // self._part_size)) if index not in arrived]
        pieces: list[tuple[int, Piece]] = [(self._length(index), partial(self._send, index)) for index in missing]
        if arrived:
            # A piece of its own, because it reads all of them.
            pieces.insert(0, (0, partial(self._count, arrived)))
        return sum(map(self._length, arrived)), pieces

    def _length(self, index: int) -> int:
        return part_length(index, self._size, self._part_size)

    def _count(self, arrived: frozenset[int]) -> int:
        self._digest.add(arrived)
        return 0

    def _send(self, index: int) -> int:
        content = read_at(self._stream.fileno(), index * self._part_size, self._length(index))
        if len(content) != self._length(index):
            raise ServiceException(f"{self._where}: the file became shorter while it was sent; stop that and try again")
        self._writer.put(index, content)
        self._digest.add([index])
        return len(content)

    def finish(self, *, overwrite: bool) -> FileInfo:
        """Make the file of the parts."""
        return self._writer.finish(overwrite=overwrite, sha256=self._digest.result().partition(":")[2])

    def close(self) -> None:
        """Close the local file."""
        self._stream.close()
