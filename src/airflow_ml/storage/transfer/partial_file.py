"""
A large file on its way to this machine: its parts lie in a hidden file beside the target, which it becomes at once.

A journal beside it says which parts have arrived, so that the next try, also by another process, asks for the others
alone. Both are named by target and content: another version of the file begins anew, and takes the old one's away.
Nothing is synced to the disk on the way, so what was there before the machine last started does not count.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from airflow_ml.storage.files import make_folder
from airflow_ml.storage.protocol import TEMPORARY_PREFIX
from airflow_ml.storage.transfer.parts import part_length, pieces_of

__all__ = ["PartialFile"]

_JOURNAL = ".parts"


class PartialFile:
    """
    One file in parts; safe to use from several threads, and alone with its name until `close`.

    Args:
        target: what it becomes.
        content: names the content, whoever asks for it.
    """

    def __init__(self, target: Path, content: str, *, size: int, part_size: int) -> None:
        self._target, self._size, self._part_size = target, size, part_size
        make_folder(target.parent)
        series, name = _names(target, content, size, part_size)
        _remove_others(target.parent, series, name)
        self._place, self._descriptor = _open(target.parent, series, name)
        try:
            self._journal = os.open(
                self._place.with_name(self._place.name + _JOURNAL), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            )
        except BaseException:
            os.close(self._descriptor)
            raise
        try:
            self.arrived = self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> frozenset[int]:
        """Return the parts that have arrived."""
        if os.fstat(self._descriptor).st_size == self._size:
            return self._read_journal()
        os.ftruncate(self._journal, 0)
        os.ftruncate(self._descriptor, self._size)
        return frozenset()

    def _read_journal(self) -> frozenset[int]:
        lines = os.pread(self._journal, os.fstat(self._journal).st_size, 0).decode("ascii", "replace").split("\n")
        count = -(-self._size // self._part_size)
        # What stands behind the last line end was cut off.
        return frozenset(int(line) for line in lines[:-1] if line.isdecimal() and int(line) < count)

    def write(self, index: int, content: bytes) -> None:
        """Put a part in its place, and then into the journal."""
        self.write_at(index, 0, memoryview(content))
        self.note(index)

    def write_at(self, index: int, position: int, content: memoryview) -> None:
        """Put bytes of a part in their place; it counts only when `note` was called for it."""
        start = index * self._part_size + position
        while content:
            count = os.pwrite(self._descriptor, content, start)
            content, start = content[count:], start + count

    def note(self, index: int) -> None:
        """Write into the journal that a part is there whole."""
        os.write(self._journal, f"{index}\n".encode())

    def length(self, index: int) -> int:
        """Return how many bytes a part has."""
        return part_length(index, self._size, self._part_size)

    def pieces(self, index: int) -> Iterator[bytes]:
        """Yield what has arrived of a part."""
        return pieces_of(self._descriptor, index, self._size, self._part_size)

    def become_target(self) -> None:
        """Replace the target by the file, all parts of which have arrived."""
        self._place.replace(self._target)
        self._remove_journal()

    def discard(self) -> None:
        """Remove what has arrived: it is not what was expected."""
        self._place.unlink(missing_ok=True)
        self._remove_journal()

    def _remove_journal(self) -> None:
        self._place.with_name(self._place.name + _JOURNAL).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file; what has arrived stays for the next try."""
        os.close(self._journal)
        os.close(self._descriptor)


def _names(target: Path, content: str, size: int, part_size: int) -> tuple[str, str]:
    """Return what the hidden files for a target begin with, and the name of that for this content."""
    series = f"{TEMPORARY_PREFIX}{_digest(target.name)}-"
    return series, f"{series}{_digest(repr((content, size, part_size, _boot())))}.part"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]


@cache
def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text()
    except OSError:
        return secrets.token_hex(8)


def _open(folder: Path, series: str, name: str) -> tuple[Path, int]:
    """Open the file, with a lock on it; one of a name of its own if somebody else is at it."""
    while True:
        place = folder / name
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever had the lock before may have made it the target, or removed it.
            if os.path.samestat(os.fstat(descriptor), place.stat()):
                return place, descriptor
        except BlockingIOError:
            name = f"{series}{secrets.token_hex(8)}.part"
        except FileNotFoundError:
            pass
        os.close(descriptor)


def _remove_others(folder: Path, series: str, name: str) -> None:
    """Remove what is left of other contents for the same target, unless somebody is at it."""
    for entry in [entry.name for entry in os.scandir(folder) if entry.name.startswith(series)]:
        if entry.endswith(".part") and entry != name:
            with suppress(OSError), (folder / entry).open("rb") as stream:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                (folder / entry).unlink()
                (folder / (entry + _JOURNAL)).unlink()
