"""One file of a store on its way to this machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.exceptions import ServiceException
from airflow_ml.hashing.content import Identity
from airflow_ml.storage.files import replacing, storage_errors
from airflow_ml.storage.transfer.digests import OrderedDigest, digest_of, digest_of_file
from airflow_ml.storage.transfer.partial_file import PartialFile
from airflow_ml.storage.transfer.parts import PART_SIZE, StreamedReader, part_size_for, reads_ranges

if TYPE_CHECKING:
    from airflow_ml.storage.protocol import FileInfo, ReadableStore
    from airflow_ml.storage.transfer.parts import RangeReader
    from airflow_ml.storage.transfer.pool import Piece

__all__ = ["FetchedParts", "Fetching"]


class Fetching:
    """
    The job that fetches one file: small ones at once, large ones in parts, of which those of an earlier try count.

    Size and digest, where the store keeps one, are compared before the file is seen under its name.

    Args:
        info: of the file, which must not be another one meanwhile.
        target: is replaced at once, when all of it is there.
        may_be_there: the target may have the content already; it is read, if its size is right.
        done: told the target's identity, by a thread of the pool.
    """

    def __init__(
        self,
        store: ReadableStore,
        info: FileInfo,
        target: Path,
        *,
        may_be_there: bool = False,
        done: Callable[[Fetching, Identity], None] | None = None,
    ) -> None:
        self.info, self.target = info, target
        self._store, self._may_be_there, self._done = store, may_be_there, done
        self._parts: FetchedParts | None = None

    @property
    def name(self) -> str:
        """The file's path in the store."""
        return self.info.path

    @property
    def weight(self) -> int:
        """A file that comes in one piece is held whole."""
        return min(self.info.size, PART_SIZE)

    def start(self) -> tuple[int, Sequence[tuple[int, Piece]]]:
        """Fetch a small file, or find out which parts of a large one are missing."""
        with storage_errors(f"download of {self.info.path!r} to {self.target}", self.target.parent):
            if self._is_there():
                self._tell()
            elif not reads_ranges(self._store) or not self.info.etag:
                self._store.get(self.info.path, self.target, etag=self.info.etag or None)
                self._tell()
            elif self.info.size <= PART_SIZE:
                self._fetch_whole(self._store)
                self._tell()
            else:
                self._parts = FetchedParts(self._store, self.info, self.target)
                return self._parts.start()
        return self.info.size, ()

    def _is_there(self) -> bool:
        if not self._may_be_there or not self.info.digest:
            return False
        if not self.target.is_file() or self.target.stat().st_size != self.info.size:
            return False
        return digest_of_file(self.target, self.info.digest) == self.info.digest

    def _fetch_whole(self, store: RangeReader) -> None:
        info = self.info
        content = store.read_range(info.path, 0, info.size, etag=info.etag) if info.size else b""
        _check(info, len(content), digest_of(content, info.digest) if info.digest else "")
        with replacing(self.target) as stream:
            stream.write(content)

    def _tell(self) -> None:
        if self._done is not None:
            self._done(self, Identity.of(self.target.stat()))

    def finish(self) -> None:
        """Make what has arrived the target, if it is what the store says."""
        if self._parts is None:
            return
        parts, self._parts = self._parts, None
        with storage_errors(f"download of {self.info.path!r} to {self.target}", self.target.parent):
            try:
                parts.finish()
            finally:
                parts.close()
            self._tell()

    def abandon(self) -> None:
        """Close the file; what has arrived counts in the next try."""
        if self._parts is not None:
            self._parts.close()


class FetchedParts:
    """The parts of a large file."""

    def __init__(self, store: RangeReader, info: FileInfo, target: Path) -> None:
        self._store, self._info = store, info
        self._part_size = part_size_for(info.size)
        content = repr((getattr(store, "identity", ""), info.path, info.etag))
        self._file = PartialFile(target, content, size=info.size, part_size=self._part_size)
        algorithm = info.digest.partition(":")[0]
        self._digest = OrderedDigest(algorithm, self._file.pieces) if algorithm else None
        self._where = f"download of {info.path!r} to {target}"
        self._folder = target.parent

    def start(self) -> tuple[int, Sequence[tuple[int, Piece]]]:
        """Return how many bytes have arrived already, and what fetches the rest."""
        arrived = self._file.arrived
        missing = [index for index in range(-(-self._info.size // self._part_size)) if index not in arrived]
        length = self._file.length
        pieces: list[tuple[int, Piece]] = [(length(index), partial(self._fetch, index)) for index in missing]
        # A piece of its own, because it reads what has arrived; all of it may have.
        pieces.insert(0, (0, partial(self._count, arrived)))
        return sum(map(length, arrived)), pieces

    def _count(self, arrived: frozenset[int]) -> int:
        if self._digest is not None:
            self._digest.add(arrived)
        return 0

    def _fetch(self, index: int) -> int:
        length = self._file.length(index)
        start = index * self._part_size

        def write(position: int, content: memoryview) -> None:
            with storage_errors(self._where, self._folder):
                self._file.write_at(index, position, content)

        if isinstance(self._store, StreamedReader):
            count = self._store.read_to(self._info.path, start, length, write, etag=self._info.etag)
        else:
            content = self._store.read_range(self._info.path, start, length, etag=self._info.etag)
            count = len(content)
            write(0, memoryview(content)[:length])
        if count != length:
            raise ServiceException(f"{self._where}: {count} bytes came where {length} were asked for; try again")
        with storage_errors(self._where, self._folder):
            self._file.note(index)
        if self._digest is not None:
            self._digest.add([index])
        return length

    def finish(self) -> None:
        """Let the file be seen under its name."""
        try:
            _check(self._info, self._info.size, self._digest.result() if self._digest is not None else "")
        except ServiceException:
            self._file.discard()
            raise
        self._file.become_target()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _check(info: FileInfo, size: int, digest: str) -> None:
    if size != info.size or digest not in ("", info.digest):
        what = f"{size} bytes came" if size != info.size else f"their digest is {digest!r}"
        raise ServiceException(
            f"path {info.path!r}: {what}, but the store says {info.size} bytes and {info.digest!r}; the file was "
            "damaged on the way or in the store: try again, and if it stays so, write the file anew"
        )
