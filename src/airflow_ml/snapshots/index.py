"""
What is remembered of a source directory between two looks, as git's index does for a work tree.

One file per directory below the home's `digests` folder: for each folder the names and stat results of its files and
their digests, and what the whole comes to. Where every stat result is as before, the whole is as before. A file that
was read within the granularity of its times is written down with a stat result that no file has, so that it is read
again (see `airflow_ml.hashing.stat_cache`).

The file carries its own digest: one that is damaged, cut short or of another version is as good as none.
"""

from __future__ import annotations

import json
import os
import secrets
import struct
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from blake3 import blake3

__all__ = ["NEVER", "STATS", "IndexFile", "KnownFolder", "SourceIndex", "stat_numbers"]

#: Mode, size, modification time, change time, inode and device.
STATS = struct.Struct("=QQqqQQ")

#: The stat result of no file.
NEVER = bytes(STATS.size)

#: sha256 of the bytes and of the bytes with normalised line ends.
_DIGESTS = 2 * 32

#: The version is a part of it.
_MAGIC = b"airflow-ml source index 1\n"

#: When a directory's first index is written, the oldest others go until this is left.
_MAX_BYTES = 256 << 20
_MAX_FILES = 1000

_NOTHING: frozenset[str] = frozenset()


def stat_numbers(status: os.stat_result) -> tuple[int, int, int, int, int, int]:
    """Return what of a stat result is compared, in the order of `STATS`."""
    return (
        status.st_mode,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        status.st_dev,
    )


class KnownFolder(NamedTuple):
    """
    A folder as it was.

    Attributes:
        names: of its files that are code, in the order in which the folder gave them.
        stats: `STATS` of each.
        digests: of each, of its bytes and with normalised line ends.
        ignored: names of its files that are ignored.
    """

    names: list[str]
    stats: bytes
    digests: bytes
    ignored: frozenset[str]

    def contents(self) -> dict[str, tuple[bytes, bytes]]:
        """Return stat results and digests of each file by name."""
        return {
            name: (
                self.stats[number * STATS.size : (number + 1) * STATS.size],
                self.digests[number * _DIGESTS : (number + 1) * _DIGESTS],
            )
            for number, name in enumerate(self.names)
        }


@dataclass(frozen=True)
class SourceIndex:
    """
    A source directory as it was.

    Attributes:
        rules: digest of the ignore rules, by which the files were chosen.
        snapshot_id, size, source_digest: of the snapshot that it came to.
    """

    rules: str = ""
    snapshot_id: str = ""
    size: int = 0
    source_digest: str = ""
    folders: Mapping[str, KnownFolder] = field(default_factory=dict)


class IndexFile:
    """
    The index of one source directory on disk.

    Args:
        folder: of all indexes.
        root: the source directory, a real path.
    """

    def __init__(self, folder: Path, root: str) -> None:
        self._place = folder / f"{blake3(os.fsencode(root)).hexdigest(length=16)}.index"

    def load(self) -> SourceIndex:
        """Return what is known; nothing is an empty index."""
        try:
            content = self._place.read_bytes()
        except OSError:
            return SourceIndex()
        checksum, body = content[len(_MAGIC) : len(_MAGIC) + 32], content[len(_MAGIC) + 32 :]
        if not content.startswith(_MAGIC) or blake3(body).digest() != checksum:
            return SourceIndex()
        return _parse(body)

    def save(self, index: SourceIndex) -> None:
        """Replace what is kept; where that cannot be written, the next look takes longer."""
        body = _serialise(index)
        arriving = self._place.with_name(f".{self._place.name}.{secrets.token_hex(8)}")
        with suppress(OSError):
            self._place.parent.mkdir(parents=True, exist_ok=True)
            if not self._place.exists():
                _make_room(self._place.parent)
            try:
                arriving.write_bytes(_MAGIC + blake3(body).digest() + body)
                arriving.replace(self._place)
            finally:
                arriving.unlink(missing_ok=True)

    def remove(self) -> None:
        """Forget what is known."""
        with suppress(OSError):
            self._place.unlink()


def _serialise(index: SourceIndex) -> bytes:
    folders = index.folders
    head = {
        "rules": index.rules,
        "snapshot_id": index.snapshot_id,
        "size": index.size,
        "source_digest": index.source_digest,
        "names": {path: folder.names for path, folder in folders.items()},
        "ignored": {path: sorted(folder.ignored) for path, folder in folders.items() if folder.ignored},
    }
    text = json.dumps(head).encode()
    blobs = [part for folder in folders.values() for part in (folder.stats, folder.digests)]
    return b"".join([len(text).to_bytes(8, "big"), text, *blobs])


def _parse(body: bytes) -> SourceIndex:
    position = 8 + int.from_bytes(body[:8], "big")
    head = json.loads(body[8:position])
    ignored = {path: frozenset(names) for path, names in head.pop("ignored").items()}
    folders = {}
    for path, names in head.pop("names").items():
        middle = position + len(names) * STATS.size
        end = middle + len(names) * _DIGESTS
        folders[path] = KnownFolder(names, body[position:middle], body[middle:end], ignored.get(path, _NOTHING))
        position = end
    return SourceIndex(folders=folders, **head)


def _make_room(folder: Path) -> None:
    """Remove the indexes that were written the longest time ago, and what killed processes have left."""
    entries = [(entry.stat().st_mtime, entry.stat().st_size, entry) for entry in folder.iterdir()]
    total, now = 0, time.time()
    for number, (written, size, entry) in enumerate(sorted(entries, reverse=True)):
        total += size
        is_left = entry.name.startswith(".") and written < now - 3600
        if is_left or number >= _MAX_FILES or total > _MAX_BYTES:
            entry.unlink(missing_ok=True)
