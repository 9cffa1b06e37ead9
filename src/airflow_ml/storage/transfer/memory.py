"""
What is remembered of transfers: which local file was equal to which file of a store.

A pair counts as long as neither side has changed: the store's file by its ETag, the local one by what any write to it
changes (`airflow_ml.hashing.content.Identity`). Neither is read for that. It serves both ways: what was uploaded need
not be downloaded to where it came from.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.hashing.content import FileDigest, Identity
from airflow_ml.hashing.digest_table import DigestTable

if TYPE_CHECKING:
    from airflow_ml.storage.protocol import FileInfo, ReadableStore

__all__ = ["TransferMemory", "is_equal"]

_CHUNK = 10_000


class TransferMemory:
    """
    Pairs of equal files in an SQLite file; losing it costs time only. Safe for many threads and processes at once.

    Args:
        folder: where the file lies.
    """

    def __init__(self, folder: Path, *, max_bytes: int = 256 << 20) -> None:
        self._table = DigestTable(folder, max_bytes=max_bytes)

    def recall(self, files: Sequence[tuple[Path, Identity]]) -> Sequence[FileDigest | None]:
        """Return for each local file what names its equal; None where nothing is known of the file as it is now."""
        named = [(_name(local), identity) for local, identity in files]
        known: dict[str, FileDigest] = {}
        for start in range(0, len(named), _CHUNK):
            known.update(self._table.find(named[start : start + _CHUNK]))
        return [known.get(place) for place, _ in named]

    def equal(self, store: ReadableStore, pairs: Sequence[tuple[Path, FileInfo]]) -> set[int]:
        """Return the indexes of those pairs that are known to be equal."""
        there = [(index, local, found) for index, (local, _) in enumerate(pairs) if (found := _identity(local))]
        recalled = self.recall([(local, identity) for _, local, identity in there])
        return {
            index
            for (index, _, _), known in zip(there, recalled, strict=True)
            if is_equal(known, store, pairs[index][1])
        }

    def add(self, store: ReadableStore, local: Path, identity: Identity, info: FileInfo) -> None:
        """Remember that a local file, as long as it has this identity, is equal to a file of a store."""
        if info.etag and info.size == identity.size:
            self._table.add(_name(local), identity, FileDigest(info.size, _key(store.identity, info)))

    def save(self) -> None:
        """Write what is new, for later processes."""
        self._table.save()


def is_equal(known: FileDigest | None, store: ReadableStore, info: FileInfo) -> bool:
    """Tell whether what is known of a local file names a file of a store as it is now."""
    return known is not None and bool(info.etag) and known == (info.size, _key(store.identity, info))


def _name(local: Path) -> str:
    name = str(local)
    return name if name.startswith("/") else str(local.absolute())


def _identity(local: Path) -> Identity | None:
    try:
        return Identity.of(os.stat(local))  # noqa: PTH116 - a million times
    except OSError:
        return None


def _key(store: str, info: FileInfo) -> str:
    text = f"{store}\0{info.path}\0{info.etag}".encode(errors="surrogateescape")
    return hashlib.blake2b(text, digest_size=16).hexdigest()
