"""What a snapshot consists of, and what it needs of the place that it is kept in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from airflow_ml.exceptions import ServiceException

__all__ = ["Snapshot", "SnapshotFile", "Store", "object_path", "parse_tree", "tree_json", "tree_path"]

#: Of the tree's JSON form; part of every snapshot id.
_VERSION = 1


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
    """

    path: str
    size: int
    sha256: str
    executable: bool


@dataclass(frozen=True)
class Snapshot:
    """
    A source directory's content.

    Attributes:
        id: sha256 over the paths, contents and execute bits: equal for equal directories, wherever they lie.
        files: in the order of their paths.
        size: bytes of all files together.
    """

    id: str
    files: tuple[SnapshotFile, ...]
    size: int

    @classmethod
    def of(cls, files: tuple[SnapshotFile, ...]) -> Snapshot:
        """Return the snapshot that these files make up."""
        return cls(hashlib.sha256(tree_json(files)).hexdigest(), files, sum(file.size for file in files))


def object_path(sha256: str) -> str:
    """Return where the bytes with that digest are kept."""
    return f"snapshots/objects/{sha256[:2]}/{sha256}"


def tree_path(snapshot_id: str) -> str:
    """Return where the list of a snapshot's files is kept."""
    return f"snapshots/trees/{snapshot_id}.json"


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
