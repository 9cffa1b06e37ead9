"""
What is remembered of transfers: which local file was equal to which file of a store.

A pair counts as long as neither side has changed: the store's file by its ETag, the local one by what any write to it
changes (`airflow_ml.hashing.content.Identity`). Neither is read for that. It serves both ways: what was uploaded need
not be downloaded to where it came from.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.hashing.content import FileDigest, Identity
from airflow_ml.hashing.digest_table import DigestTable

if TYPE_CHECKING:
    from airflow_ml.storage.protocol import FileInfo, ReadableStore

__all__ = ["TransferMemory"]

_CHUNK = 10_000


class TransferMemory:
    """
    Pairs of equal files in an SQLite file; losing it costs time only. Safe for many threads and processes at once.

    Args:
        folder: where the file lies.
    """

    def __init__(self, folder: Path, *, max_bytes: int = 256 << 20) -> None:
        self._table = DigestTable(folder, max_bytes=max_bytes)

    def equal(self, store: ReadableStore, pairs: Sequence[tuple[Path, FileInfo]]) -> set[int]:
        """Return the indexes of those pairs that are known to be equal."""
        found: set[int] = set()
        for start in range(0, len(pairs), _CHUNK):
            found.update(start + index for index in self._equal(store, pairs[start : start + _CHUNK]))
        return found

    def _equal(self, store: ReadableStore, pairs: Sequence[tuple[Path, FileInfo]]) -> Iterator[int]:
        places = [str(local.absolute()) for local, _ in pairs]
        identities = {place: identity for place in places if (identity := _identity(place)) is not None}
        known, name = self._table.find(list(identities.items())), store.identity
        for index, (place, (_, info)) in enumerate(zip(places, pairs, strict=True)):
            if info.etag and place in known and known[place] == FileDigest(info.size, _key(name, info)):
                yield index

    def add(self, store: ReadableStore, local: Path, identity: Identity, info: FileInfo) -> None:
        """Remember that a local file, as long as it has this identity, is equal to a file of a store."""
        if info.etag and info.size == identity.size:
            self._table.add(str(local.absolute()), identity, FileDigest(info.size, _key(store.identity, info)))

    def save(self) -> None:
        """Write what is new, for later processes."""
        self._table.save()


def _identity(place: str) -> Identity | None:
    try:
        return Identity.of(os.stat(place))  # noqa: PTH116 - a million times
    except OSError:
        return None


def _key(store: str, info: FileInfo) -> str:
    text = f"{store}\0{info.path}\0{info.etag}".encode(errors="surrogateescape")
    return hashlib.blake2b(text, digest_size=16).hexdigest()
