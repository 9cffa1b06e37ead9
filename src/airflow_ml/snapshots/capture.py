"""
Taking a snapshot of a source directory into a content-addressed store.

Files are hashed first, those alone that have changed since the last look; only content that the store does not have is
copied, and the list of files last, so that a snapshot exists whole or not at all.
"""

from __future__ import annotations

import hashlib
import heapq
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from airflow_ml.exceptions import SnapshotException
from airflow_ml.registry.home import Home
from airflow_ml.snapshots.contents import changing, files_of, read_folders, settled
from airflow_ml.snapshots.ignore import read_ignore_rules
from airflow_ml.snapshots.index import IndexFile, SourceIndex
from airflow_ml.snapshots.protocol import Snapshot, SnapshotFile, Store, object_path, tree_json, tree_path
from airflow_ml.snapshots.source_digest import record_sources
from airflow_ml.snapshots.source_folders import Folder, FolderSearch, unreadable

__all__ = ["MAX_BYTES", "MAX_FILES", "capture", "hash_only"]

#: The limits of the v1 SDK; over them there is mostly an environment or a data folder in the source directory.
MAX_BYTES = 300 * 1024 * 1024
MAX_FILES = 2000

#: As in v1: set to anything, the number of files is not limited.
_NO_FILE_LIMIT = "AML_SNAPSHOT_NO_FILE_LIMIT"

_CHUNK = 1 << 20


def capture(
    source_directory: Path, store: Store, *, max_bytes: int = MAX_BYTES, max_files: int | None = MAX_FILES
) -> Snapshot:
    """
    Take a snapshot of a directory's content, after its ignore file, into a store.

    Taking it again, also at the same time, is harmless; when nothing has changed, nothing is copied.

    Args:
        source_directory: the folder of the step's code.
        store: where snapshots are kept.
        max_bytes: of all files together.
        max_files: None for any number; the environment variable AML_SNAPSHOT_NO_FILE_LIMIT does the same.

    Raises:
        SnapshotException: no such folder, over a limit (names the ten largest files), something in it that cannot be
            kept or read, or a file that is being written to.
    """
    snapshot = hash_only(source_directory, max_bytes=max_bytes, max_files=max_files)
    if not store.exists(tree_path(snapshot.id)):
        try:
            for file in snapshot.files:
                _upload(store, file, source_directory / file.path)
        except SnapshotException:
            # On a file system that invents change times the index itself may be what is wrong.
            _index_of(source_directory).remove()
            raise
        record_sources(store, snapshot.id, snapshot.files)
        with suppress(FileExistsError):
            store.write(tree_path(snapshot.id), tree_json(snapshot.files), overwrite=False)
    return snapshot


def hash_only(source_directory: Path, *, max_bytes: int = MAX_BYTES, max_files: int | None = MAX_FILES) -> Snapshot:
    """
    Return the snapshot that `capture` would take now, without a store.

    Raises:
        SnapshotException: as `capture` does.
    """
    root = os.path.realpath(source_directory)
    if not Path(root).is_dir():
        raise SnapshotException(
            f"source directory {str(source_directory)!r}: is not a folder; name the folder that the script lies in"
        )
    started, index, rules = time.time_ns(), _index_of(source_directory), read_ignore_rules(Path(root))
    before = index.load()
    decided = before.folders if before.rules == rules.digest else {}
    folders = FolderSearch(root, os.path.realpath(Home.default().root), rules, decided).folders()
    _check_limits(source_directory, folders, max_bytes, None if os.environ.get(_NO_FILE_LIMIT) else max_files)
    if len(folders) == len(decided) and all(folder.is_as(decided.get(folder.path)) for folder in folders):
        return Snapshot(before.snapshot_id, before.size, before.source_digest, lambda: files_of(decided))
    contents = read_folders(folders, before.folders)
    snapshot = Snapshot.of(files_of(contents))
    kept = {path: settled(folder, started) for path, folder in contents.items()}
    index.save(SourceIndex(rules.digest, snapshot.id, snapshot.size, snapshot.source_digest, kept))
    return snapshot


def _index_of(source_directory: Path) -> IndexFile:
    return IndexFile(Home.default().digests / "sources", os.path.realpath(source_directory))


def _check_limits(root: Path, folders: Sequence[Folder], max_bytes: int, max_files: int | None) -> None:
    total, count = sum(sum(folder.sizes()) for folder in folders), sum(len(folder.names) for folder in folders)
    over = []
    if total > max_bytes:
        over.append(f"{total:,} bytes, the limit is {max_bytes:,}")
    if max_files is not None and count > max_files:
        over.append(f"{count:,} files, the limit is {max_files:,} (set {_NO_FILE_LIMIT} to lift it)")
    if over:
        sizes = [
            (size, folder.path_of(name))
            for folder in folders
            for size, name in zip(folder.sizes(), folder.names, strict=True)
        ]
        names = ", ".join(f"{path!r} {size:,}" for size, path in heapq.nlargest(10, sizes))
        raise SnapshotException(
            f"source directory {str(root)!r}: {' and '.join(over)}; the largest files (bytes): {names}; name what the "
            "script does not need in .amlignore, and put data on a datastore"
        )


def _upload(store: Store, file: SnapshotFile, place: Path) -> None:
    target = object_path(file.sha256)
    if store.exists(target):
        return
    # A copy that is checked before the store sees it: an object must never hold other bytes than its name says.
    with tempfile.SpooledTemporaryFile(max_size=8 * _CHUNK) as copy:
        digest = hashlib.sha256()
        try:
            with place.open("rb", buffering=0) as stream:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    copy.write(chunk)
        except OSError as exc:
            raise SnapshotException(unreadable(file.path, exc)) from exc
        if digest.hexdigest() != file.sha256:
            raise SnapshotException(changing(file.path))
        copy.seek(0)
        with suppress(FileExistsError):
            store.write(target, cast(BinaryIO, copy), overwrite=False)
