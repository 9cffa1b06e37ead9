"""
What has been copied of a folder: the next try goes on from there, and a later copy leaves out what has not changed.

The journal lies in the store that is copied to, under `.airflow_ml/transfers/`, because the next try may run on another
machine. It is written in pieces while files arrive. When all have, one file lists them, and `complete.json` is written
last: a folder with a journal and without that marker holds a copy that was cut, every file of it whole.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from airflow_ml.storage.protocol import PRIVATE_FOLDER

if TYPE_CHECKING:
    from airflow_ml.storage.protocol import Store

__all__ = ["CopiedFile", "CopyJournal"]

TRANSFERS_FOLDER = f"{PRIVATE_FOLDER}/transfers"

_MARKER = "complete.json"
_FILES = "files.jsonl"

#: A piece is written after so many seconds, or so many files.
_SECONDS, _COUNT = 2.0, 1000


class CopiedFile(NamedTuple):
    """
    A file that has arrived.

    Attributes:
        path: relative to the folder.
        source_etag: of the file that it is a copy of.
        digest: of its content: sha256, or what the stores keep of it.
        etag: of the copy.
    """

    path: str
    source_etag: str
    size: int
    digest: str
    etag: str


class CopyJournal:
    """
    The journal of copies from one place to one other; safe for several threads.

    Args:
        store: that is copied to.
        source: tells where from, the same in every try.
        destination: the folder.
    """

    def __init__(self, store: Store, source: str, destination: str) -> None:
        name = hashlib.sha256(json.dumps([source, destination]).encode()).hexdigest()[:32]
        self.folder = f"{TRANSFERS_FOLDER}/{name}"
        self._store = store
        self._lock = threading.Lock()
        self._pending: list[CopiedFile] = []
        self._written = time.monotonic()

    @property
    def is_complete(self) -> bool:
        """Whether the last copy came to its end."""
        return self._store.exists(f"{self.folder}/{_MARKER}")

    def read(self) -> dict[str, CopiedFile]:
        """Return what earlier tries have copied, by path; a piece that cannot be read counts for nothing."""
        found: dict[str, CopiedFile] = {}
        for info in self._store.list(self.folder):
            if not info.path.endswith(".jsonl"):
                continue
            with suppress(FileNotFoundError), self._store.open_read(info.path) as stream:
                for line in stream.read().decode("utf-8", "replace").splitlines():
                    with suppress(ValueError, TypeError):
                        entry = CopiedFile(*json.loads(line))
                        found[entry.path] = entry
        return found

    def begin(self) -> None:
        """Say that the folder is being written."""
        self._store.delete(f"{self.folder}/{_MARKER}")

    def add(self, entry: CopiedFile) -> None:
        """Note a file that has arrived."""
        with self._lock:
            self._pending.append(entry)
            if len(self._pending) < _COUNT and time.monotonic() - self._written < _SECONDS:
                return
            pending = self._take()
        self._write(pending)

    def flush(self) -> None:
        """Write what has been noted: the copy has failed."""
        with self._lock:
            pending = self._take()
        self._write(pending)

    def complete(self, entries: Iterable[CopiedFile], details: Mapping[str, object]) -> None:
        """Say that all has arrived: what the folder has of the copy, and the marker last."""
        with self._lock:
            self._take()
        pieces = [info.path for info in self._store.list(self.folder) if info.path.endswith(".jsonl")]
        whole = f"{self.folder}/{_FILES}"
        self._store.write(whole, _lines(entries))
        for path in pieces:
            if path != whole:
                self._store.delete(path)
        self._store.write(f"{self.folder}/{_MARKER}", json.dumps(details).encode())

    def _take(self) -> list[CopiedFile]:
        pending, self._pending, self._written = self._pending, [], time.monotonic()
        return pending

    def _write(self, entries: list[CopiedFile]) -> None:
        if entries:
            self._store.write(f"{self.folder}/{secrets.token_hex(8)}.jsonl", _lines(entries))


def _lines(entries: Iterable[CopiedFile]) -> bytes:
    return "".join(f"{json.dumps(entry)}\n" for entry in entries).encode()
