"""What a snapshot consists of, and what it needs of the place that it is kept in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Protocol

from airflow_ml.exceptions import ServiceException
from airflow_ml.snapshots.ignore import IgnoreRules

__all__ = [
    "Snapshot",
    "SnapshotFile",
    "Store",
    "object_path",
    "parse_tree",
    "source_digest",
    "sources_path",
    "tree_json",
    "tree_path",
]

#: Of the tree's JSON form; part of every snapshot id.
_VERSION = 1

#: Of what source digests are made over; part of each.
_SOURCES_VERSION = 1


class Store(Protocol):
    """The part of a datastore that snapshots use; paths that are not there raise FileNotFoundError."""

    def exists(self, path: str) -> bool:
        """Tell whether there is a file of that path."""
        ...

    def open_read(self, path: str) -> BinaryIO:
        """Open one file for reading."""
        ...

    def write(self, path: str, content: bytes | BinaryIO | Path, *, overwrite: bool = True) -> object:
        """Write one file at once; with `overwrite=False` create it or raise FileExistsError."""
        ...


@dataclass(frozen=True)
class SnapshotFile:
    """
    One file of a snapshot.

    Attributes:
        path: relative to the source directory, with `/`.
        executable: the owner may execute it; other permissions are not kept.
        source_sha256: of the content with normalised line ends (`airflow_ml.hashing.text`); None where that is not
            known, as in what a store has of the snapshot.
    """

    path: str
    size: int
    sha256: str
    executable: bool
    source_sha256: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Snapshot:
    """
    A source directory's content.

    Attributes:
        id: sha256 over the paths, contents and execute bits: equal for equal directories, wherever they lie.
        size: bytes of all files together.
        source_digest: the same with normalised line ends, which is what fingerprints take.
        list_files: what `files` asks, once.
    """

    id: str
    size: int
    source_digest: str
    list_files: Callable[[], tuple[SnapshotFile, ...]] = field(compare=False, repr=False)

    @classmethod
    def of(cls, files: tuple[SnapshotFile, ...]) -> Snapshot:
        """Return the snapshot that these files make up, whose `source_sha256` must be known."""
        digest = hashlib.sha256(tree_json(files)).hexdigest()
        return cls(digest, sum(file.size for file in files), source_digest(files), lambda: files)

    @cached_property
    def files(self) -> tuple[SnapshotFile, ...]:
        """The files in the order of their paths."""
        return self.list_files()

    def source_digest_without(self, ignored_patterns: Sequence[str]) -> str:
        """Return the source digest of the files that no pattern (a line as in an ignore file) matches."""
        return source_digest(self.files, ignored_patterns) if ignored_patterns else self.source_digest


def source_digest(files: Iterable[SnapshotFile], ignored_patterns: Sequence[str] = ()) -> str:
    """
    Return the digest of source files as fingerprints take them, with normalised line ends.

    Args:
        files: in the order of their paths; their `source_sha256` must be known.
        ignored_patterns: lines as in an ignore file; what they match is left out.
    """
    if ignored_patterns:
        rules = IgnoreRules(ignored_patterns)
        files = [file for file in files if not rules.leaves_out(file.path)]
    records = [[file.path, file.source_sha256, file.executable] for file in files]
    text = json.dumps({"version": _SOURCES_VERSION, "sources": records}, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def object_path(sha256: str) -> str:
    """Return where the bytes with that digest are kept."""
    return f"snapshots/objects/{sha256[:2]}/{sha256}"


def tree_path(snapshot_id: str) -> str:
    """Return where the list of a snapshot's files is kept."""
    return f"snapshots/trees/{snapshot_id}.json"


def sources_path(snapshot_id: str) -> str:
    """Return where a snapshot's digests with normalised line ends are kept, as far as they differ from the bytes'."""
    return f"snapshots/sources/{snapshot_id}.json"


def tree_json(files: tuple[SnapshotFile, ...]) -> bytes:
    """Return the canonical JSON of a snapshot's files, whose sha256 is the snapshot's id."""
    records = [[file.path, file.size, file.sha256, file.executable] for file in files]
    return json.dumps({"version": _VERSION, "files": records}, separators=(",", ":"), sort_keys=True).encode()


def parse_tree(text: bytes, snapshot_id: str) -> tuple[SnapshotFile, ...]:
    """
    Read a tree's JSON back.

    Raises:
        ServiceException: the text is not the one that the id stands for.
    """
    if hashlib.sha256(text).hexdigest() != snapshot_id:
        raise ServiceException(f"snapshot {snapshot_id!r}: its list of files was damaged; submit the pipeline again")
    return tuple(SnapshotFile(*record) for record in json.loads(text)["files"])
