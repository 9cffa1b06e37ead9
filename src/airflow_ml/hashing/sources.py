"""The digests of a source file: of its bytes, and of its bytes with normalised line ends."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from stat import S_IXUSR
from typing import NamedTuple

from airflow_ml.hashing.content import Identity
from airflow_ml.hashing.text import SourceHash

__all__ = ["SourceContent", "hash_source"]

_PIECE = 1 << 20
_TRIES = 3


class SourceContent(NamedTuple):
    """
    What was read of a source file.

    Attributes:
        status: of the file when it had been read.
        source_sha256: with normalised line ends where the file's ending says so.
    """

    status: os.stat_result
    sha256: str
    source_sha256: str

    @property
    def is_executable(self) -> bool:
        """The owner may execute the file."""
        return bool(self.status.st_mode & S_IXUSR)


def hash_source(place: str, name: str) -> SourceContent:
    """
    Read a source file and return its digests.

    Args:
        name: what the file is called, which decides about line ends; `place` may be what a link of that name points to.

    Raises:
        OSError: it cannot be read; EBUSY: it was changed while it was read, three times.
    """
    for _ in range(_TRIES):
        digest, size = SourceHash(name), 0
        with Path(place).open("rb", buffering=0) as stream:
            before = Identity.of(os.fstat(stream.fileno()))
            while piece := stream.read(_PIECE):
                digest.update(piece)
                size += len(piece)
            status = os.fstat(stream.fileno())
        # A file that is written to while it is read would get a digest that no version of it ever had.
        if before == Identity.of(status) and size == before.size:
            return SourceContent(status, digest.sha256, digest.source_sha256)
    raise OSError(errno.EBUSY, "was changed while it was read; stop what writes to it and try again", place)
