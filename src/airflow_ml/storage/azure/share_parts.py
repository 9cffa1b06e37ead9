"""Files on their way to a file share: written in ranges under a name of their own, then renamed into place."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from airflow_ml.exceptions import ServiceException
from airflow_ml.storage.protocol import PRIVATE_FOLDER, FileInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from azure.storage.fileshare import ShareClient

    from airflow_ml.storage.azure.share_client import FileShare

__all__ = ["ARRIVING_FOLDER", "RANGE_SIZE", "SharePartWriter"]

#: Where files lie until they are whole; no listing shows it.
ARRIVING_FOLDER = f"{PRIVATE_FOLDER}/arriving"

#: The most bytes that the service takes in one range.
RANGE_SIZE = 4 << 20


class SharePartWriter:
    """
    One file in ranges; a range that has arrived is kept by the service, whoever sends the others.

    Args:
        path: where the file goes.
        size: of the whole file.
        part_size: of every part but the last.
        token: names the content.
        place: puts the whole file in its place, from the one it arrived at.
    """

    def __init__(
        self,
        share: FileShare,
        path: str,
        *,
        size: int,
        part_size: int,
        token: str,
        place: Callable[..., FileInfo],
    ) -> None:
        self._share = share
        self._path = path
        self._size = size
        self._part_size = part_size
        self._place = place
        name = hashlib.sha256(f"{path}\0{size}\0{token}".encode()).hexdigest()[:32]
        self.arriving = f"{ARRIVING_FOLDER}/{name}"
        self._written = self._open()

    @property
    def arrived(self) -> frozenset[int]:
        """Indexes of the parts that lie there whole."""
        parts = range(-(-self._size // self._part_size))
        return frozenset(index for index in parts if self._covers(index))

    def _covers(self, index: int) -> bool:
        first, last = self._bounds(index)
        return any(start <= first and last <= end for start, end in self._written)

    def _bounds(self, index: int) -> tuple[int, int]:
        """Return the first and the last byte of a part."""
        first = index * self._part_size
        return first, min(first + self._part_size, self._size) - 1

    def put(self, index: int, content: bytes | memoryview) -> None:
        """Send one part, in ranges whose MD5 the service checks."""
        first, last = self._bounds(index)
        if len(content) != last - first + 1:
            raise ServiceException(
                f"write of {self._path!r}: part {index} has {len(content)} bytes, expected {last - first + 1}"
            )
        for start in range(0, len(content), RANGE_SIZE):
            self._send(bytes(content[start : start + RANGE_SIZE]), first + start)
        self._written.append((first, last))

    def _send(self, piece: bytes, offset: int) -> None:
        def request(client: ShareClient) -> object:
            return client.get_file_client(self.arriving).upload_range(piece, offset, len(piece), validate_content=True)

        self._share.ask("write", self._path, request)

    def finish(self, *, overwrite: bool = True, sha256: str = "") -> FileInfo:
        """Rename the file into its place; with `overwrite=False` raise FileExistsError where that is taken."""
        del sha256  # shares keep no metadata of ours: some of Microsoft's own tools drop it
        missing = -(-self._size // self._part_size) - len(self.arrived)
        if missing:
            raise ServiceException(f"write of {self._path!r}: {missing} parts have not arrived; send them first")
        return self._place(self.arriving, self._path, overwrite=overwrite)

    def abandon(self) -> None:
        """Delete what has arrived."""
        try:
            self._share.ask("deletion", self._path, lambda client: client.get_file_client(self.arriving).delete_file())
        except FileNotFoundError:
            return

    def _open(self) -> list[tuple[int, int]]:
        """Return the ranges of an earlier try, or make the file."""

        def ranges(name: str) -> list[tuple[int, int]]:
            return self._share.ask(
                "write",
                self._path,
                lambda client: [(item.start, item.end) for item in client.get_file_client(name).list_ranges()],
            )

        with suppress(FileNotFoundError):
            return ranges(self.arriving)
        # The service makes a file anew over one that is there: what another writer has sent by now would be lost.
        fresh = f"{self.arriving}.{secrets.token_hex(8)}"
        self._share.ask("write", self._path, lambda client: client.get_file_client(fresh).create_file(self._size))
        try:
            self._share.rename(fresh, self.arriving, overwrite=False)
        except FileExistsError:
            self._share.ask("deletion", self._path, lambda client: client.get_file_client(fresh).delete_file())
            return ranges(self.arriving)
        return []
