"""
Keeping the host's file cache within its bound: what was used longest ago goes first, what is in use never.

A file is in use while it has a second name: a step's mount is a hard link. Making or removing such a link sets the
inode's change time, so that time says when a file was used last, and nobody has to write it down. A reader that has a
file open keeps its bytes whatever becomes of the name.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from airflow_ml.exceptions import UserErrorException

__all__ = ["SIZE_VARIABLE", "CacheBound", "locked", "most_bytes"]

#: Environment variable with the most bytes of the cache: a number, or one with K, M, G or T behind it (of 1024).
SIZE_VARIABLE = "AIRFLOW_ML_CACHE_SIZE"

#: Without a setting: this share of the file system that the cache is on.
_SHARE = 0.2

#: To which part of the bound it is emptied at once, so that not every file that comes costs a look at all others.
_EMPTIED_TO = 0.9

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def most_bytes(root: Path) -> int:
    """
    Return the bound of the cache in a folder, which must be there.

    Raises:
        UserErrorException: the environment variable holds no size.
    """
    text = os.environ.get(SIZE_VARIABLE)
    if not text:
        return int(shutil.disk_usage(root).total * _SHARE)
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:i?B)?\s*", text, re.IGNORECASE)
    if found is None:
        raise UserErrorException(f"{SIZE_VARIABLE} is {text!r}, expected a number of bytes such as 500M or 20G")
    return int(float(found[1]) * _UNITS[found[2].upper()])


@dataclass(frozen=True)
class _Kept:
    place: Path
    size: int
    used_ns: int


class CacheBound:
    """
    The bound of the cache below one folder; safe for many processes, of which any may be killed at any time.

    How much there is stands in a file, so that a new file costs one addition. A process that is killed in between makes
    it a little wrong, until the next time that the files themselves are looked at.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._total = root / ".size"

    def add(self, place: Path, size: int) -> None:
        """Count a file that has come, and remove others where that is too much."""
        with locked(self._root):
            known = self._read()
            total = sum(kept.size for kept in self._files()) if known is None else known + size
            most = most_bytes(self._root)
            if total > most:
                total = self._empty(int(most * _EMPTIED_TO), most, place)
            self._total.write_text(str(total))

    def _read(self) -> int | None:
        try:
            return int(self._total.read_text())
        except (FileNotFoundError, ValueError):  # never written, or written in part
            return None

    def _empty(self, aim: int, most: int, new: Path) -> int:
        """Remove what was used longest ago, but not the file that has just come, and return how much is left."""
        files = sorted(self._files(), key=lambda kept: kept.used_ns)
        total = sum(kept.size for kept in files)
        if total <= most:
            return total
        for kept in files:
            if total <= aim:
                break
            if kept.place != new and _remove_unused(kept):
                total -= kept.size
        return total

    def _files(self) -> Iterator[_Kept]:
        for folder in self._root.glob("[0-9a-f][0-9a-f]"):
            for entry in os.scandir(folder):
                with suppress(FileNotFoundError):  # another process was faster
                    status = entry.stat(follow_symlinks=False)
                    if entry.name != ".lock":
                        yield _Kept(Path(entry.path), status.st_size, status.st_ctime_ns)


def _remove_unused(kept: _Kept) -> bool:
    """Remove a file unless it is in use, was used since, or its folder is being written to; return whether it went."""
    with locked(kept.place.parent, is_waiting=False) as is_ours, suppress(FileNotFoundError):
        status = kept.place.stat(follow_symlinks=False)
        if is_ours and status.st_nlink == 1 and status.st_ctime_ns == kept.used_ns:
            kept.place.unlink()
            return True
    return False


@contextmanager
def locked(folder: Path, *, is_waiting: bool = True) -> Iterator[bool]:
    """
    Hold a folder's lock; the kernel lets go of it when the process ends, however it ends.

    Args:
        is_waiting: wait for it; otherwise whether it is held is what the block gets.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("wb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | (0 if is_waiting else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
