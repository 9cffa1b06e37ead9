"""The table that digests are kept in: an SQLite file that may be damaged, locked or missing at any time."""

from __future__ import annotations

import os
import sqlite3
import struct
import tempfile
import threading
import time
import zlib
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

from airflow_ml.hashing.content import FileDigest, Identity

__all__ = ["DigestTable"]

#: The version is in the name: a file of another one is neither read nor written.
_NAME = "files-1.db"

_IDENTITY = struct.Struct("<QqqQQ")
_SAVE_EVERY = 20_000
_VARIABLES = 500

#: When a row was last used is written anew after this many seconds.
_USED_SECONDS = 24 * 3600

_CREATE = """
CREATE TABLE files (
    path BLOB PRIMARY KEY, identity BLOB NOT NULL, digest BLOB NOT NULL, sum INTEGER NOT NULL, used INTEGER NOT NULL
) WITHOUT ROWID
"""
_WRITE = "INSERT OR REPLACE INTO files (path, identity, digest, sum, used) VALUES (?, ?, ?, ?, ?)"
_HALF = "DELETE FROM files WHERE path IN (SELECT path FROM files ORDER BY used LIMIT (SELECT count(*) / 2 FROM files))"

#: Connections of the process that this one was forked from: closing them here could disturb it.
_inherited: list[sqlite3.Connection] = []

_Row = tuple[bytes, bytes, bytes]


class DigestTable:
    """
    Digests by path and identity; what is new stays in memory until it is saved.

    Args:
        folder: of the file.
        max_bytes: of the file, about.
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        self._place = folder / _NAME
        self._max_bytes = max_bytes
        self._new: dict[bytes, _Row] = {}
        self._connection: sqlite3.Connection | None = None
        self._begin()

    def _begin(self) -> None:
        """Start as a process of its own; a lock or connection of the parent's is of no use after a fork."""
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._is_off = False
        if self._connection is not None:
            _inherited.append(self._connection)
            self._connection = None

    def find(self, files: Sequence[tuple[str, Identity]]) -> Mapping[str, FileDigest]:
        """Return the digests that are known, by path."""
        wanted = {os.fsencode(path): (path, identity, _IDENTITY.pack(*identity)) for path, identity in files}
        found: dict[str, FileDigest] = {}
        for key, packed, digest in self._rows(list(wanted)):
            path, identity, expected = wanted[key]
            if packed == expected:
                found[path] = FileDigest(identity.size, digest.decode())
        return found

    def _rows(self, keys: Sequence[bytes]) -> list[_Row]:
        if self._process != os.getpid():
            self._begin()
        with self._lock:
            known = [self._new[key] for key in keys if key in self._new] if self._new else []
            missing = [key for key in keys if key not in self._new] if known else keys
            return known + [
                row for i in range(0, len(missing), _VARIABLES) for row in self._read(missing[i : i + _VARIABLES])
            ]

    def _read(self, keys: Sequence[bytes]) -> list[_Row]:
        connection = self._open()
        if connection is None:
            return []
        marks = ",".join("?" * len(keys))
        now, rows = int(time.time()), []
        try:
            answers = connection.execute(
                f"SELECT path, identity, digest, sum, used FROM files WHERE path IN ({marks})",  # noqa: S608 - marks alone
                keys,
            )
            for key, packed, digest, checksum, used in answers:
                row = (key, packed, digest)
                if checksum == _sum(row):
                    rows.append(row)
                    if used + _USED_SECONDS < now:
                        self._new[key] = row
        except (sqlite3.Error, TypeError) as error:
            self._give_up(error)
            return []
        return rows

    def add(self, path: str, identity: Identity, digest: FileDigest) -> None:
        """Remember a file's digest."""
        if self._process != os.getpid():
            self._begin()
        key = os.fsencode(path)
        with self._lock:
            self._new[key] = (key, _IDENTITY.pack(*identity), digest.digest.encode())
            if len(self._new) >= _SAVE_EVERY:
                self.save()

    def save(self) -> None:
        """Write what is new, in one transaction; what cannot be written is forgotten."""
        if self._process != os.getpid():
            self._begin()
        with self._lock:
            new, self._new = self._new, {}
            if not new:
                return
            now = int(time.time())
            connection = self._open(create=True)
            if connection is None:
                return
            try:
                with connection:
                    connection.executemany(_WRITE, [(*row, _sum(row), now) for row in sorted(new.values())])
                self._forget_the_oldest(connection)
            except sqlite3.Error as error:
                self._give_up(error)

    def _forget_the_oldest(self, connection: sqlite3.Connection) -> None:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
        if (pages - free) * size > self._max_bytes:
            with connection:
                connection.execute(_HALF)

    def _open(self, *, create: bool = False) -> sqlite3.Connection | None:
        if self._connection is None and not self._is_off:
            try:
                if create and not self._place.exists():
                    _create(self._place)
                if self._place.exists():
                    # "rw" and not "rwc": it must not come into being empty, should somebody just have removed it.
                    address = f"{self._place.absolute().as_uri()}?mode=rw"
                    self._connection = sqlite3.connect(address, uri=True, timeout=5, check_same_thread=False)
                    # With a write-ahead log a power cut may cost the newest rows, never the file.
                    self._connection.execute("PRAGMA synchronous = NORMAL")
            except (sqlite3.Error, OSError) as error:
                self._give_up(error)
        return self._connection

    def _give_up(self, error: Exception) -> None:
        """Go on without the file; a damaged one is removed, so that the next process starts with a new one."""
        self._is_off = True
        with suppress(sqlite3.Error):
            if self._connection is not None:
                self._connection.close()
        self._connection = None
        # SQLite's own class is what damaged files raise; being locked or out of space raises one below it.
        if type(error) is sqlite3.DatabaseError or "no such" in str(error):
            for ending in ("-wal", "-shm", ""):
                with suppress(OSError):
                    self._place.with_name(_NAME + ending).unlink()


def _create(place: Path) -> None:
    """Make the file elsewhere and link it: processes that start at the same time must not see it half made."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".new-") as folder:
        made = Path(folder, _NAME)
        with closing(sqlite3.connect(made)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(_CREATE)
        with suppress(FileExistsError):
            place.hardlink_to(made)


def _sum(row: _Row) -> int:
    return zlib.crc32(b"\0".join(row))
