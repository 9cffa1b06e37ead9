"""A blob on its way in parts that may come in any order, from several threads, in several tries."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.storage.azure.blob_entries import digest_metadata
from airflow_ml.storage.azure.blobs import ANY, CREATE
from airflow_ml.storage.azure.blocks import block_id

if TYPE_CHECKING:
    from airflow_ml.storage.azure.blobs import Blobs
    from airflow_ml.storage.protocol import FileInfo

__all__ = ["BlobPartWriter"]

#: The most blocks that the service makes a blob of.
_MOST_PARTS = 50_000

#: A token that is the content's own digest; it is noted with the blob.
_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")


class BlobPartWriter:
    """
    A blob in blocks whose names say which part of which content they are.

    The service keeps what has arrived for a week, and lets it go when the blob is written by anybody.
    """

    def __init__(self, blobs: Blobs, name: str, *, size: int, part_size: int, token: str) -> None:
        if size <= 0 or part_size <= 0:
            raise ValueError(f"parts of {part_size} bytes of a file of {size}: expected numbers above 0")
        self._count = -(-size // part_size)
        if self._count > _MOST_PARTS:
            raise UserErrorException(
                f"path {name!r}: is {self._count:,} parts of {part_size:,} bytes, Azure takes {_MOST_PARTS:,}; make "
                "the parts larger"
            )
        self._blobs, self._name, self._size, self._part_size = blobs, name, size, part_size
        # Other sizes of parts are other blocks, and another content of the file is another token.
        self._series = hashlib.sha256(f"{token}/{size}/{part_size}".encode()).hexdigest()[:16]
        sha256 = _SHA256.fullmatch(token)
        self._noted = digest_metadata(sha256[1], size=size) if sha256 else {}
        there = blobs.uncommitted(name)
        self._arrived = {index for index in range(self._count) if there.get(self._block(index)) == self._length(index)}

    def _block(self, index: int) -> str:
        return block_id(self._series, index)

    def _length(self, index: int) -> int:
        return min(self._part_size, self._size - index * self._part_size)

    @property
    def arrived(self) -> frozenset[int]:
        """Indexes of the parts that are there whole."""
        return frozenset(self._arrived)

    def put(self, index: int, content: bytes | memoryview) -> None:
        """Send one part; the service checks its MD5."""
        if not 0 <= index < self._count or len(content) != self._length(index):
            raise ValueError(f"part {index} of {self._name!r} has {len(content)} bytes; not as it was begun")
        self._blobs.put_block(self._name, self._block(index), content)
        self._arrived.add(index)

    def finish(self, *, overwrite: bool = True, sha256: str = "") -> FileInfo:
        """
        Make the blob of all its parts, at once; the sha256 is noted in its metadata.

        Raises:
            FileExistsError: with `overwrite=False`, there is one.
            ServiceException: parts are missing, or went because another writer has finished the same blob.
        """
        missing = self._count - len(self._arrived)
        if missing:
            raise ServiceException(f"path {self._name!r}: {missing} of {self._count} parts have not arrived; send them")
        ids = [self._block(index) for index in range(self._count)]
        noted = digest_metadata(sha256, size=self._size) if sha256 else self._noted
        return self._blobs.put_block_list(self._name, ids, self._size, noted, ANY if overwrite else CREATE)

    def abandon(self) -> None:
        """Do nothing: the service lets go of the parts by itself, and offers no way to do so earlier."""
