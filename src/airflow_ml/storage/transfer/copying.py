"""
Files from one store into another, or to other paths of the same.

The service copies where both ends allow that; then no byte passes through here. Where they do not, large files go in
parts from one end to the other, small ones in one piece, and no file lies whole on this machine's disk or in its memory
on the way (a store that takes no parts gets a stream).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol, cast

from airflow_ml.exceptions import ServiceException
from airflow_ml.storage.local import LocalStore
from airflow_ml.storage.protocol import FileInfo, ReadableStore, Store
from airflow_ml.storage.transfer.digests import digest_of
from airflow_ml.storage.transfer.failures import raise_failure
from airflow_ml.storage.transfer.fetching import FetchedParts
from airflow_ml.storage.transfer.looking import look
from airflow_ml.storage.transfer.parts import PART_SIZE, is_part_store, part_length, part_size_for, reads_ranges
from airflow_ml.storage.transfer.pool import run_jobs
from airflow_ml.storage.transfer.progress import Progress
from airflow_ml.storage.transfer.sending import SentParts

if TYPE_CHECKING:
    from pathlib import Path

    from airflow_ml.storage.protocol import PartStore
    from airflow_ml.storage.transfer.parts import RangeReader
    from airflow_ml.storage.transfer.pool import Piece

__all__ = ["StoreCopy", "copy_files"]


@dataclass(frozen=True)
class StoreCopy:
    """
    A file of the one store and its path in the other.

    Attributes:
        info: must hold until the copy is made: a file that is another one by then is an error.
    """

    info: FileInfo
    path: str


def copy_files(
    source: ReadableStore,
    target: Store,
    copies: Sequence[StoreCopy],
    *,
    overwrite: bool = True,
    done: Callable[[StoreCopy, FileInfo], None] | None = None,
    show_progress: bool = False,
    progress: Progress | None = None,
) -> int:
    """
    Copy files between stores; each is whole or absent at any time.

    Args:
        source: where from.
        target: where to; may be the same store.
        copies: what goes where.
        overwrite: False leaves files that are there.
        done: told of each file that has arrived and how it lies there, by any thread.
        show_progress: in the terminal too.
        progress: told instead; what its `tell` raises ends the copy.

    Returns:
        How many were copied.

    Raises:
        FileExistsError: never; with `overwrite=False` such files are left and not counted.
        ServiceException: a store failed, or a file was changed meanwhile. What has arrived stays.
    """
    progress = progress or Progress("copy", is_shown=show_progress)
    progress.expect(len(copies), sum(item.info.size for item in copies))
    copied: list[str] = []

    def note(item: StoreCopy, info: FileInfo) -> None:
        copied.append(item.path)
        if done is not None:
            done(item, info)

    there = look(target, [item.path for item in copies]) if not overwrite and is_part_store(target) else {}
    jobs: Iterable[_Copying] = (
        _Copying(source, target, item, overwrite=overwrite, done=note) for item in copies if item.path not in there
    )
    try:
        failure = run_jobs(jobs, progress)
    finally:
        progress.close()
    raise_failure(failure, f"copy of {len(copies)} files", progress, len(copies))
    return len(copied)


class _InParts(Protocol):
    """A large file on its way, see `airflow_ml.storage.transfer.pool.Job`."""

    def start(self) -> tuple[int, Sequence[tuple[int, Piece]]]: ...

    def finish(self, *, overwrite: bool) -> FileInfo: ...

    def close(self) -> None: ...


class _Copying:
    """The job that copies one file."""

    def __init__(
        self,
        source: ReadableStore,
        target: Store,
        item: StoreCopy,
        *,
        overwrite: bool,
        done: Callable[[StoreCopy, FileInfo], None],
    ) -> None:
        self._source, self._target, self._item = source, target, item
        self._overwrite, self._done = overwrite, done
        self._parts: _InParts | None = None

    @property
    def name(self) -> str:
        """The file's path in the store that it comes from."""
        return self._item.info.path

    @property
    def weight(self) -> int:
        """A file that goes in one piece is held whole."""
        return min(self._item.info.size, PART_SIZE)

    def start(self) -> tuple[int, Sequence[tuple[int, Piece]]]:
        """Have the service copy the file, or do it here."""
        size = self._item.info.size
        try:
            info = self._copy_there()
            if info is None:
                self._parts = self._in_parts() if size > PART_SIZE else None
                if self._parts is not None:
                    return self._parts.start()
                info = self._copy_here()
        except FileExistsError:
            if self._overwrite:
                raise
            return size, ()
        self._done(self._item, _checked(self._item, info))
        return size, ()

    def _copy_there(self) -> FileInfo | None:
        """Return the copy that the service has made; None where it cannot."""
        item = self._item
        if self._source.identity == self._target.identity:
            self._check_etag()
            return self._target.copy(item.info.path, item.path, overwrite=self._overwrite)
        if is_part_store(self._target):
            return self._target.copy_from(
                self._source, item.info.path, item.path, etag=item.info.etag, overwrite=self._overwrite
            )
        return None

    def _check_etag(self) -> None:
        item = self._item
        if item.info.etag and self._source.stat(item.info.path).etag != item.info.etag:
            raise ServiceException(f"path {item.info.path!r}: the file was changed meanwhile; try again")

    def _in_parts(self) -> _InParts | None:
        """Return what carries a large file in parts; None where an end knows none."""
        source, target, item = self._source, self._target, self._item
        place = source.local_path(item.info.path)
        if place is not None and is_part_store(target):
            self._check_etag()
            return SentParts(target, place, item.path)
        if not reads_ranges(source) or not item.info.etag:
            return None
        if is_part_store(target):
            return _Through(source, target, item)
        if isinstance(target, LocalStore) and self._overwrite and not target.durable:
            return _IntoFolder(source, target, item)
        return None

    def _copy_here(self) -> FileInfo:
        item, info = self._item, self._item.info
        if info.size <= PART_SIZE and reads_ranges(self._source) and info.etag:
            content = self._source.read_range(info.path, 0, info.size, etag=info.etag) if info.size else b""
            if info.digest and digest_of(content, info.digest) != info.digest:
                raise ServiceException(f"path {info.path!r}: what came is not what the store says; try again")
            return self._target.write(item.path, content, overwrite=self._overwrite)
        place = self._source.local_path(info.path)
        self._check_etag()
        if place is not None:
            return self._target.write(item.path, place, overwrite=self._overwrite)
        with self._source.open_read(info.path) as stream:
            return self._target.write(item.path, stream, overwrite=self._overwrite)

    def finish(self) -> None:
        """Have the store make the file of its parts."""
        if self._parts is None:
            return
        parts, self._parts = self._parts, None
        try:
            info = parts.finish(overwrite=self._overwrite)
        except FileExistsError:
            if self._overwrite:
                raise
            return
        finally:
            parts.close()
        self._done(self._item, _checked(self._item, info))

    def abandon(self) -> None:
        """Let go of what is open; what has arrived counts in the next try."""
        if self._parts is not None:
            self._parts.close()


class _Through:
    """The parts of a large file, from the one store to the other; those of an earlier try count."""

    def __init__(self, source: RangeReader, target: PartStore, item: StoreCopy) -> None:
        self._source, self._info = source, item.info
        self._part_size = part_size_for(item.info.size)
        digest = item.info.digest
        # Another store's ETag alone may name another content here.
        name = repr((getattr(source, "identity", ""), item.info.path, item.info.etag))
        token = digest if digest.startswith("sha256:") else hashlib.sha256(name.encode()).hexdigest()
        self._writer = target.begin(item.path, size=item.info.size, part_size=self._part_size, token=token)

    def start(self) -> tuple[int, Sequence[tuple[int, Piece]]]:
        """Return how many bytes have arrived already, and what sends the rest."""
        arrived = self._writer.arrived
        missing = [index for index in range(-(-self._info.size // self._part_size)) if index not in arrived]
        pieces: list[tuple[int, Piece]] = [(self._length(index), partial(self._copy, index)) for index in missing]
        # All may have arrived; a job without pieces would count as a small file.
        return sum(map(self._length, arrived)), pieces or [(0, _nothing)]

    def _length(self, index: int) -> int:
        return part_length(index, self._info.size, self._part_size)

    def _copy(self, index: int) -> int:
        length = self._length(index)
        content = self._source.read_range(self._info.path, index * self._part_size, length, etag=self._info.etag)
        self._writer.put(index, content)
        return length

    def finish(self, *, overwrite: bool) -> FileInfo:
        """Make the file of the parts."""
        algorithm, _, digest = self._info.digest.partition(":")
        return self._writer.finish(overwrite=overwrite, sha256=digest if algorithm == "sha256" else "")

    def close(self) -> None:
        """Do nothing: nothing is open."""


class _IntoFolder:
    """The parts of a large file, from a store to a local folder's own path."""

    def __init__(self, source: RangeReader, target: LocalStore, item: StoreCopy) -> None:
        self._target, self._path = target, item.path
        place = cast("Path", target.local_path(item.path))
        self._parts = FetchedParts(source, item.info, place)

    def start(self) -> tuple[int, Sequence[tuple[int, Piece]]]:
        """Return how many bytes have arrived already, and what fetches the rest."""
        return self._parts.start()

    def finish(self, *, overwrite: bool) -> FileInfo:  # noqa: ARG002 - such files are replaced
        """Let the file be seen under its name."""
        self._parts.finish()
        return self._target.stat(self._path)

    def close(self) -> None:
        """Let go of the file."""
        self._parts.close()


def _nothing() -> int:
    return 0


def _checked(item: StoreCopy, info: FileInfo) -> FileInfo:
    if info.size != item.info.size:
        raise ServiceException(
            f"copy of {item.info.path!r} to {item.path!r}: has {info.size} bytes, the source {item.info.size}; it was "
            "changed meanwhile: try again"
        )
    return info
