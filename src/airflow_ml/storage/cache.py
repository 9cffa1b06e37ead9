"""
Files of datastores kept on this machine, so that mounting them again costs a hard link.

A file's key is its content where the store keeps a digest of it, so that equal files are kept once, wherever they lie;
otherwise what it was taken from: the store, its path, size and ETag. Its permissions are read-only, and its
modification time is the store's, or for a content a fixed one: a step that runs as root and writes into a file it was
given changes that time, and the next look replaces the file instead of handing the damage on.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, TypeVar, cast

from airflow_ml.exceptions import ServiceException
from airflow_ml.storage.cache_bound import CacheBound, locked
from airflow_ml.storage.files import storage_errors
from airflow_ml.storage.protocol import FileInfo, ReadableStore
from airflow_ml.storage.transfer.downloads import fetch_files

__all__ = ["FETCH_MEMORY", "FileCache"]

#: Bytes of a file on its way into the cache that are held at once.
FETCH_MEMORY = 32 << 20

Used = TypeVar("Used")

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

#: Early in 2001, from where on modification times of contents are.
_SEALED_SECONDS = 980_000_000

_READ_ONLY = 0o444

_BLOCK = 1 << 20

#: Bytes of files whose MD5 is made anew.
_SMALL = 8 << 20

#: Errors by which the kernel refuses a hard link that a copy can stand in for.
_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS}


class FileCache:
    """
    Read-only copies of stores' files below one folder, of a bounded size; safe for many threads and processes at once.

    Args:
        root: the folder, best on the file system of the run directories.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._bound = CacheBound(root)

    def fetch(self, store: ReadableStore, info: FileInfo) -> Path:
        """
        Return a whole copy of a file, made now if there is none; whoever else asks meanwhile waits for it.

        Until the copy has a second name or is open, another process may remove it to make room.
        """
        return self._use(store, info, lambda place: place)

    def open(self, store: ReadableStore, info: FileInfo) -> BinaryIO:
        """Open a whole copy of a file; its bytes stay until it is closed."""
        if not info.etag:
            return _open_unkept(store, info)
        return self._use(store, info, _open_kept)

    def link(self, store: ReadableStore, info: FileInfo, target: Path) -> None:
        """Put a file at `target`, read-only: linked to the cache's copy, or copied across file systems."""
        if not info.etag:  # nothing tells whether it has changed: there is no key to keep it under
            store.get(info.path, target)
            target.chmod(_READ_ONLY)
            return
        with storage_errors(f"mount of {info.path!r} at {target}", target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                target.unlink()
            if self._use(store, info, lambda place: _is_linked(place, target)):
                return
        store.get(info.path, target, etag=info.etag)
        _seal(target, _modified_ns(info))

    def _use(self, store: ReadableStore, info: FileInfo, use: Callable[[Path], Used]) -> Used:
        """Return what is made of a file's copy while nobody can remove it."""
        key, is_content = _key(store, info)
        place, time_ns = self.root / key[:2] / key, _sealed_time(key) if is_content else _modified_ns(info)
        with storage_errors(f"cache copy of {info.path!r}", self.root):
            with locked(place.parent):
                is_new = not _is_sound(place, info, time_ns)
                if is_new:
                    _fill(store, info, place, time_ns, is_content=is_content)
                used = use(place)
            if is_new:
                self._bound.add(place, info.size)
        return used


def _open_unkept(store: ReadableStore, info: FileInfo) -> BinaryIO:
    stream = cast(BinaryIO, TemporaryFile())  # noqa: SIM115 - the caller closes it
    with store.open_read(info.path) as source:
        shutil.copyfileobj(source, stream, _BLOCK)
    stream.seek(0)
    return stream


def _open_kept(place: Path) -> BinaryIO:
    stream = place.open("rb")
    with suppress(PermissionError):  # another user's copy
        os.fchmod(stream.fileno(), _READ_ONLY)  # sets the change time: it was used
    return stream


def _is_linked(place: Path, target: Path) -> bool:
    try:
        os.link(place, target)
    except OSError as exc:
        if exc.errno not in _NO_LINK:
            raise
        return False
    return True


def _key(store: ReadableStore, info: FileInfo) -> tuple[str, bool]:
    """Return a file's name in the cache, and whether it is that of a content."""
    # A sha256 was noted by us, of the bytes that we wrote. Anybody can leave a wrong MD5, so it is compared with what
    # comes, which is worth it for small files alone.
    is_content = info.digest.startswith("sha256:") or (bool(info.digest) and info.size <= _SMALL)
    known = [info.digest, info.size] if is_content else [store.identity, info.path, info.size, info.etag]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest(), is_content


def _sealed_time(key: str) -> int:
    """Return the modification time of a content that may lie in many places, each with a time of its own."""
    return (_SEALED_SECONDS + int(key[:6], 16)) * 10**9


def _is_sound(place: Path, info: FileInfo, time_ns: int) -> bool:
    try:
        status = place.stat()
    except FileNotFoundError:
        return False
    return status.st_size == info.size and status.st_mtime_ns == time_ns


def _fill(store: ReadableStore, info: FileInfo, place: Path, time_ns: int, *, is_content: bool) -> None:
    arriving = place.with_suffix(".part")
    fetch_files(store, [(info, arriving)], memory_bytes=FETCH_MEMORY)
    if arriving.stat().st_size != info.size:
        raise ServiceException(f"path {info.path!r}: {arriving.stat().st_size} bytes came, {info.size} were expected")
    if is_content and not info.digest.startswith("sha256:"):
        _check_digest(arriving, info)
    _seal(arriving, time_ns)
    arriving.replace(place)


def _check_digest(arriving: Path, info: FileInfo) -> None:
    """Others will take the file for that content, so it must be that."""
    algorithm, _, expected = info.digest.partition(":")
    hashed = hashlib.new(algorithm, usedforsecurity=False)
    with arriving.open("rb") as stream:
        while block := stream.read(_BLOCK):
            hashed.update(block)
    if hashed.hexdigest() != expected:
        arriving.unlink()
        raise ServiceException(
            f"path {info.path!r}: the bytes that came have another {algorithm} than the store says; whoever wrote the"
            " file has left a wrong one with it: write it again"
        )


def _seal(place: Path, time_ns: int) -> None:
    place.chmod(_READ_ONLY)
    os.utime(place, ns=(time_ns, time_ns))


def _modified_ns(info: FileInfo) -> int:
    return (info.modified - _EPOCH) // timedelta(microseconds=1) * 1000
