"""Reading a file across a network: what is asked for is fetched, and more at a time the longer it is read in a row."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO, cast

from airflow_ml.storage.protocol import FileInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

__all__ = ["open_ranges"]

#: The first request's bytes: whole for manifests and other small files.
FIRST_WINDOW = 256 << 10

#: Of the longest request; more only takes memory.
LAST_WINDOW = 8 << 20


def open_ranges(read: Callable[[int, int, str | None], tuple[bytes, FileInfo]]) -> BinaryIO:
    """
    Open a file that is read in ranges; its first bytes are fetched at once.

    Args:
        read: returns bytes from a position on, up to a number, and what is known of the file; raises if the file is
            another one than the ETag says.
    """
    return cast(BinaryIO, io.BufferedReader(_Ranges(read), buffer_size=64 << 10))


class _Ranges(io.RawIOBase):
    """One file, all of its bytes under one ETag."""

    def __init__(self, read: Callable[[int, int, str | None], tuple[bytes, FileInfo]]) -> None:
        super().__init__()
        self._read = read
        self._window, info = read(0, FIRST_WINDOW, None)
        self._start, self._position, self._length = 0, 0, FIRST_WINDOW
        self._size, self._etag = info.size, info.etag

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(f"seek to {base + offset}: a position cannot be negative")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Buffer) -> int:
        target = memoryview(buffer).cast("B")
        if not len(target) or self._position >= self._size:
            return 0
        if not self._start <= self._position < self._start + len(self._window):
            self._fetch(len(target))
        offset = self._position - self._start
        piece = memoryview(self._window)[offset : offset + len(target)]
        target[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def readall(self) -> bytes:
        # The default goes in steps of 8 KiB.
        content = bytearray(max(self._size - self._position, 0))
        view, done = memoryview(content), 0
        while count := self.readinto(view[done:]):
            done += count
        return bytes(view[:done])

    def _fetch(self, wanted: int) -> None:
        is_next = self._position == self._start + len(self._window)
        self._length = min(self._length * 2, LAST_WINDOW) if is_next else FIRST_WINDOW
        length = min(max(self._length, wanted), LAST_WINDOW)
        self._window, _ = self._read(self._position, length, self._etag)
        self._start = self._position
