"""
Taking a snapshot of a source directory into a content-addressed store.

Files are hashed first; only content that the store does not have is copied, and the list of files last, so that a
snapshot exists whole or not at all. What is no plain file is decided like this: a link to a file or folder inside the
directory counts as what it points to; a link that leads out of it, or nowhere, and pipes, sockets and devices are
errors, because leaving them out silently would run other code than the author sees. The ignore file is the way out.

A workspace's home below the directory (`AIRFLOW_ML_HOME=./home`) is never looked into. It is no code, and closing a
file of an open SQLite database, which reading it does, drops the locks that the process holds on it.
"""

from __future__ import annotations

import errno
import hashlib
import heapq
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from airflow_ml.exceptions import SnapshotException
from airflow_ml.hashing.sources import hash_source
from airflow_ml.registry.home import Home
from airflow_ml.snapshots.ignore import IgnoreRules, read_ignore_rules
from airflow_ml.snapshots.protocol import Snapshot, SnapshotFile, Store, object_path, tree_json, tree_path
from airflow_ml.snapshots.source_digest import record_sources

__all__ = ["MAX_BYTES", "MAX_FILES", "capture", "hash_only"]

#: The limits of the v1 SDK; over them there is mostly an environment or a data folder in the source directory.
MAX_BYTES = 300 * 1024 * 1024
MAX_FILES = 2000

#: As in v1: set to anything, the number of files is not limited.
_NO_FILE_LIMIT = "AML_SNAPSHOT_NO_FILE_LIMIT"

_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Found:
    path: str
    place: str
    size: int


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
    snapshot, places = _hash_all(source_directory, max_bytes=max_bytes, max_files=max_files)
    if not store.exists(tree_path(snapshot.id)):
        for file, place in zip(snapshot.files, places, strict=True):
            _upload(store, file, place)
        record_sources(store, snapshot.id, snapshot.files)
        with suppress(FileExistsError):
            store.write(tree_path(snapshot.id), tree_json(snapshot.files), overwrite=False)
    return snapshot


def hash_only(source_directory: Path, *, max_bytes: int = MAX_BYTES, max_files: int | None = MAX_FILES) -> Snapshot:
    """
    Return the snapshot that `capture` would take now, without keeping anything.

    Raises:
        SnapshotException: as `capture` does.
    """
    return _hash_all(source_directory, max_bytes=max_bytes, max_files=max_files)[0]


def _hash_all(source_directory: Path, *, max_bytes: int, max_files: int | None) -> tuple[Snapshot, list[str]]:
    root = os.path.realpath(source_directory)
    if not Path(root).is_dir():
        raise SnapshotException(
            f"source directory {str(source_directory)!r}: is not a folder; name the folder that the script lies in"
        )
    home = os.path.realpath(Home.default().root)
    found = list(_walk(root, "", read_ignore_rules(Path(root)), (root,), home))
    _check_limits(source_directory, found, max_bytes, None if os.environ.get(_NO_FILE_LIMIT) else max_files)
    files = tuple(_hash(item) for item in found)
    return Snapshot.of(files), [item.place for item in found]


def _walk(root: str, folder: str, rules: IgnoreRules, above: tuple[str, ...], home: str) -> Iterator[_Found]:
    try:
        with os.scandir(above[-1]) as scan:
            entries = sorted(scan, key=lambda entry: entry.name + "/" * Path(entry.path).is_dir())
    except OSError as exc:
        raise SnapshotException(_unreadable(folder or ".", exc)) from exc
    for entry in entries:
        path = f"{folder}/{entry.name}" if folder else entry.name
        if rules.ignores(path, is_folder=Path(entry.path).is_dir()):
            continue
        place = _inside(root, entry, path)
        try:
            status = Path(place).stat()
        except OSError as exc:
            raise SnapshotException(_unreadable(path, exc)) from exc
        if stat.S_ISDIR(status.st_mode):
            if place == home:
                continue
            if place in above:
                raise SnapshotException(f"source file {path!r}: is a link to a folder that it lies in; {_WAY_OUT}")
            yield from _walk(root, path, rules, (*above, place), home)
        elif stat.S_ISREG(status.st_mode):
            yield _Found(_utf8(path), place, status.st_size)
        else:
            raise SnapshotException(f"source file {path!r}: is a pipe, socket or device; {_WAY_OUT}")


_WAY_OUT = "remove it, or name it in .amlignore"


def _unreadable(path: str, exc: OSError) -> str:
    return f"source file {path!r}: cannot be read: {exc.strerror}; make it readable, or name it in .amlignore"


def _utf8(path: str) -> str:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise SnapshotException(f"source file {path!r}: the name is not UTF-8; rename it") from exc
    return path


def _inside(root: str, entry: os.DirEntry[str], path: str) -> str:
    """Return where an entry's bytes lie; below folders reached through a link that is not where its path says."""
    if not entry.is_symlink():
        return entry.path
    real = os.path.realpath(entry.path)
    aim = str(Path(entry.path).readlink())
    if not Path(real).is_relative_to(root):
        raise SnapshotException(
            f"source file {path!r}: is a link to {aim!r}, outside of the source directory; put the file there itself, "
            "or name the link in .amlignore"
        )
    if not Path(real).exists():
        raise SnapshotException(f"source file {path!r}: is a link to {aim!r}, which is not there; {_WAY_OUT}")
    return real


def _check_limits(root: Path, found: Sequence[_Found], max_bytes: int, max_files: int | None) -> None:
    total = sum(item.size for item in found)
    over = []
    if total > max_bytes:
        over.append(f"{total:,} bytes, the limit is {max_bytes:,}")
    if max_files is not None and len(found) > max_files:
        over.append(f"{len(found):,} files, the limit is {max_files:,} (set {_NO_FILE_LIMIT} to lift it)")
    if over:
        largest = heapq.nlargest(10, found, key=lambda item: item.size)
        names = ", ".join(f"{item.path!r} {item.size:,}" for item in largest)
        raise SnapshotException(
            f"source directory {str(root)!r}: {' and '.join(over)}; the largest files (bytes): {names}; name what the "
            "script does not need in .amlignore, and put data on a datastore"
        )


def _hash(item: _Found) -> SnapshotFile:
    try:
        content = hash_source(item.place, item.path)
    except OSError as exc:
        text = _changing(item.path) if exc.errno == errno.EBUSY else _unreadable(item.path, exc)
        raise SnapshotException(text) from exc
    return SnapshotFile(item.path, content.identity.size, content.sha256, content.is_executable, content.source_sha256)


def _changing(path: str) -> str:
    return f"source file {path!r}: was changed while it was read; stop what writes to it and try again"


def _open(path: str, place: str) -> BinaryIO:
    try:
        return cast(BinaryIO, Path(place).open("rb", buffering=0))
    except OSError as exc:
        raise SnapshotException(_unreadable(path, exc)) from exc


def _upload(store: Store, file: SnapshotFile, place: str) -> None:
    target = object_path(file.sha256)
    if store.exists(target):
        return
    # A copy that is checked before the store sees it: an object must never hold other bytes than its name says.
    with tempfile.SpooledTemporaryFile(max_size=8 * _CHUNK) as copy:
        digest = hashlib.sha256()
        with _open(file.path, place) as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
                copy.write(chunk)
        if digest.hexdigest() != file.sha256:
            raise SnapshotException(_changing(file.path))
        copy.seek(0)
        with suppress(FileExistsError):
            store.write(target, cast(BinaryIO, copy), overwrite=False)
