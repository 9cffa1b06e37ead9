"""A short text that tells whether the files that somebody read are the very ones that somebody else looked at."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_ml.storage.protocol import FileInfo

__all__ = ["FilesState"]


class FilesState:
    """
    Made from path and ETag of each file, in whatever order they come; memory does not grow with their number.

    An ETag changes whenever a file is written, even with the bytes that it had. So two equal states mean that nothing
    was written in between, which equal contents do not: what was changed and put back has the content that it had.
    """

    def __init__(self) -> None:
        self._sum = 0

    def add(self, info: FileInfo) -> None:
        """Take a file in."""
        # What stands behind the `?` of a web address lets the file be read, and is renewed.
        text = f"{info.path.partition('?')[0]}\0{info.etag}".encode(errors="surrogateescape")
        self._sum += int.from_bytes(hashlib.blake2b(text, digest_size=16).digest(), "big")

    def __str__(self) -> str:
        return f"{self._sum % (1 << 128):032x}"
