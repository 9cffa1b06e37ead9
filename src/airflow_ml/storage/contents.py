"""
The sha256 of local files, remembered for as long as nothing about a file changes.

Manifests say sha256, and where an ETag is not the one of the commit (the store was moved to another disk, permissions
were set anew) the bytes decide. They are read once, not at every look.
"""

from __future__ import annotations

import errno
import time
from pathlib import Path

from airflow_ml.hashing.content import FileDigest, Identity
from airflow_ml.hashing.digest_table import DigestTable
from airflow_ml.hashing.stat_cache import is_settled
from airflow_ml.storage.files import hash_file

__all__ = ["Contents"]

#: Bytes of the table, about: there is an entry for a file only where an ETag did not do.
_TABLE_SIZE = 64 << 20


class Contents:
    """
    Digests of local files; safe for many threads and processes at once.

    Args:
        folder: where they are kept; what goes wrong there costs time, never a right answer.
    """

    def __init__(self, folder: Path) -> None:
        self._table = DigestTable(folder, max_bytes=_TABLE_SIZE)

    def sha256(self, place: Path, *, read: bool = False) -> str:
        """
        Return the sha256 of a file, as 64 digits.

        Args:
            place: absolute.
            read: read the file, whatever is remembered.

        Raises:
            OSError: it is not there or cannot be read; EBUSY: it was changed while it was read.
        """
        identity = Identity.of(place.stat())
        known = {} if read else self._table.find([(str(place), identity)])
        return known[str(place)].digest if known else self._read(place, identity)

    def _read(self, place: Path, identity: Identity) -> str:
        started = time.time_ns()
        size, digest = hash_file(place)
        if Identity.of(place.stat()) != identity or size != identity.size:
            raise OSError(errno.EBUSY, "the file was changed while it was read", str(place))
        if is_settled(identity, started):
            self._table.add(str(place), identity, FileDigest(size, digest))
        return digest

    def save(self) -> None:
        """Write what is new, for later processes."""
        self._table.save()
