"""
Files of datastores kept on this machine, so that mounting them again costs a hard link.

A file's key is what it was taken from: the store, its path, size and ETag. Its permissions are read-only, and its
modification time is set to the store's: a step that runs as root and writes into a file it was given changes that
time, and the next look replaces the file instead of handing the damage on. A file with more than one link is in use.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path

from airflow_ml.exceptions import ServiceException
from airflow_ml.storage.files import storage_errors
from airflow_ml.storage.protocol import FileInfo, ReadableStore

__all__ = ["FileCache"]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

#: Errors by which the kernel refuses a hard link that a copy can stand in for.
_NO_LINK = {errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS}


class FileCache:
    """
    Read-only copies of stores' files below one folder; safe for many processes at once.

    Args:
        root: the folder, best on the file system of the run directories.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def fetch(self, store: ReadableStore, info: FileInfo) -> Path:
        """Return a whole copy of a file, made now if there is none; whoever else asks meanwhile waits for it."""
        key = hashlib.sha256(json.dumps([store.identity, info.path, info.size, info.etag]).encode()).hexdigest()
        place = self.root / key[:2] / key
        if not _is_sound(place, info):
            with storage_errors(f"cache copy of {info.path!r}", self.root), _locked(place.parent):
                if not _is_sound(place, info):
                    _fill(store, info, place)
        return place

    def link(self, store: ReadableStore, info: FileInfo, target: Path) -> None:
        """Put a file at `target`, read-only: linked to the cache's copy, or copied across file systems."""
        if not info.etag:  # nothing tells whether it has changed: there is no key to keep it under
            store.get(info.path, target)
            target.chmod(0o444)
            return
        place = self.fetch(store, info)
        with storage_errors(f"mount of {info.path!r} at {target}", target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):
                target.unlink()
            try:
                os.link(place, target)
                return
            except OSError as exc:
                if exc.errno not in _NO_LINK:
                    raise
        store.get(info.path, target, etag=info.etag)
        _seal(target, info)


def _is_sound(place: Path, info: FileInfo) -> bool:
    try:
        status = place.stat()
    except FileNotFoundError:
        return False
    return status.st_size == info.size and status.st_mtime_ns == _modified_ns(info)


def _fill(store: ReadableStore, info: FileInfo, place: Path) -> None:
    arriving = place.with_suffix(".part")
    store.get(info.path, arriving, etag=info.etag)
    if arriving.stat().st_size != info.size:
        raise ServiceException(f"path {info.path!r}: {arriving.stat().st_size} bytes came, {info.size} were expected")
    _seal(arriving, info)
    arriving.replace(place)


def _seal(place: Path, info: FileInfo) -> None:
    place.chmod(0o444)
    os.utime(place, ns=(_modified_ns(info), _modified_ns(info)))


def _modified_ns(info: FileInfo) -> int:
    return (info.modified - _EPOCH) // timedelta(microseconds=1) * 1000


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the kernel lets go of it when the process ends, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
