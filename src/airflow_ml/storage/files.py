"""Local files: errors of the operating system in our words, copying, digests and writes that happen at once."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.storage.protocol import TEMPORARY_PREFIX, Content

__all__ = [
    "copy_file",
    "copy_hashed",
    "hash_file",
    "make_folder",
    "outlast_clock",
    "replacing",
    "storage_errors",
    "sync",
    "write_content",
]

#: One buffer's size: larger ones were not faster, smaller ones cost more calls.
_CHUNK = 1 << 20

#: Seconds between two ticks of the coarsest clock by which Linux stamps files (100 Hz).
_TICK = 0.01

#: Errors by which a file system says that it cannot copy inside the kernel between these two files.
_NO_KERNEL_COPY = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM}


@contextmanager
def storage_errors(where: str, folder: Path) -> Iterator[None]:
    """
    Turn errors of the operating system into ours, naming the place.

    FileNotFoundError and FileExistsError pass: they belong to the contract of a store.

    Args:
        where: what was being done, for the text.
        folder: a place on the file system concerned, to tell its free space when it is full.
    """
    try:
        yield
    except (FileNotFoundError, FileExistsError):
        raise
    except (IsADirectoryError, NotADirectoryError) as exc:
        raise UserErrorException(
            f"{where}: a folder and a file meet under one name ({exc.strerror}); choose another path"
        ) from exc
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ServiceException(f"{where}: no space left, {_free_space(folder)}; make room and try again") from exc
        if exc.errno == errno.ENAMETOOLONG:
            raise UserErrorException(f"{where}: the name is longer than the file system takes; shorten it") from exc
        raise ServiceException(f"{where}: {exc.strerror or exc} (errno {exc.errno})") from exc


def _free_space(folder: Path) -> str:
    while not folder.exists():
        folder = folder.parent
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return "free space unknown"
    return f"{usage.free:,} of {usage.total:,} bytes are free"


@contextmanager
def replacing(target: Path, *, overwrite: bool = True, durable: bool = False) -> Iterator[BinaryIO]:
    """
    Open a new file that becomes `target` when the block ends, or never was if it fails.

    Args:
        target: its folder is made if needed.
        overwrite: False creates it only if it is not there, decided by the kernel; raises FileExistsError.
        durable: wait until the disk has it.
    """
    temporary = target.parent / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}"
    is_left = True
    try:
        with _new_file(temporary) as stream:
            yield stream
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        if overwrite:
            temporary.replace(target)
            is_left = False
        else:
            _create(temporary, target)
        if durable:
            sync(target.parent)
    finally:
        if is_left:
            with suppress(FileNotFoundError):
                temporary.unlink()


def _new_file(place: Path) -> BinaryIO:
    try:
        return place.open("xb")
    except FileNotFoundError:
        # Seldom, in a tree of many files: to look for the folder each time would cost as much as to write a small one.
        make_folder(place.parent)
        return place.open("xb")


def _create(temporary: Path, target: Path) -> None:
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError as exc:
        if exc.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK):
            raise
        # File systems without hard links (shares): claim the name first; a crash in between leaves an empty file.
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        temporary.replace(target)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; a file in the way is NotADirectoryError, never FileExistsError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as exc:
        raise NotADirectoryError(errno.ENOTDIR, "a file is where a folder is needed", str(folder)) from exc


def sync(place: Path) -> None:
    """Wait until the disk has a file, or the names in a folder."""
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def outlast_clock(stamped_ns: int) -> None:
    """Wait until a file that is written to gets a later time than that one; at most a tick of the clock."""
    left = stamped_ns / 1e9 + _TICK - time.time()
    if left > 0:
        time.sleep(min(left, _TICK))


def write_content(stream: BinaryIO, content: Content) -> None:
    """Write bytes, the rest of an open stream, or a local file into an open file."""
    if isinstance(content, bytes):
        stream.write(content)
    elif isinstance(content, Path):
        with content.open("rb") as source:
            copy_file(source, stream)
    else:
        shutil.copyfileobj(content, stream, _CHUNK)


def copy_file(source: BinaryIO, target: BinaryIO) -> None:
    """Copy between two open files inside the kernel, sharing blocks where the file system can (reflink)."""
    target.flush()
    while True:
        try:
            copied = os.copy_file_range(source.fileno(), target.fileno(), 1 << 30)
        except OSError as exc:
            if exc.errno not in _NO_KERNEL_COPY:
                raise
            break
        if copied == 0:
            # Some file systems answer 0 for files that they make up while being read: the plain copy decides.
            break
    source.seek(os.lseek(source.fileno(), 0, os.SEEK_CUR))
    target.seek(0, os.SEEK_END)
    shutil.copyfileobj(source, target, _CHUNK)


def copy_hashed(source: BinaryIO, target: BinaryIO) -> tuple[int, str]:
    """Copy and return size and sha256 of the bytes that were written."""
    digest, size = hashlib.sha256(), 0
    buffer = memoryview(bytearray(_CHUNK))
    while count := source.readinto(buffer):  # type: ignore[attr-defined]  # BinaryIO lacks what files have
        digest.update(buffer[:count])
        target.write(buffer[:count])
        size += count
    return size, digest.hexdigest()


def hash_file(path: Path) -> tuple[int, str]:
    """Return size and sha256 of a local file, both of the bytes that were read."""
    digest, size = hashlib.sha256(), 0
    buffer = memoryview(bytearray(_CHUNK))
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            digest.update(buffer[:count])
            size += count
    return size, digest.hexdigest()
