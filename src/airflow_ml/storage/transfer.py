"""
Trees of files between this machine and a store: what `upload`, `download` and staging are made of.

One file after the other, over the `Store` protocol alone: the place where a parallel engine goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from airflow_ml.exceptions import UserErrorException
from airflow_ml.storage.protocol import FileInfo, ReadableStore, Store, Upload, join_path, normalise_path
from airflow_ml.storage.selection import prefix_files
from airflow_ml.storage.tree import walk_files

__all__ = ["download", "get_tree", "put_file", "put_tree", "upload"]


def put_file(store: Store, source: Path, path: str, *, overwrite: bool = False) -> bool:
    """
    Copy one local file into the store.

    Returns:
        False if the path was taken and `overwrite` is off: the file is left as it was, as in the v1 SDK.
    """
    return upload(store, [Upload(source, path)], overwrite=overwrite) == 1


def put_tree(store: Store, source: Path, folder: str, *, overwrite: bool = False) -> int:
    """
    Copy the files of a local folder below a folder of the store, keeping their relative paths.

    Returns:
        How many were written; without `overwrite`, paths that are taken are skipped.

    Raises:
        UserErrorException: `source` is no folder, or holds something that is no file (`walk_files`).
    """
    if not source.is_dir():
        raise UserErrorException(f"upload of {str(source)!r}: is not a folder; name an existing one")
    target = normalise_path(folder)
    uploads = [Upload(file.place, join_path(target, file.path)) for file in walk_files(source)]
    return upload(store, uploads, overwrite=overwrite)


def upload(store: Store, uploads: Sequence[Upload], *, overwrite: bool = False) -> int:
    """Copy local files to their paths and return how many were written; each is whole or absent at any time."""
    written = 0
    for item in uploads:
        if not item.source.is_file():
            raise UserErrorException(f"upload of {str(item.source)!r}: is not a file; name an existing one")
        try:
            store.write(item.path, item.source, overwrite=overwrite)
        except FileExistsError:
            continue
        written += 1
    return written


def download(store: ReadableStore, prefix: str, target: Path, *, overwrite: bool = False) -> int:
    """
    Copy every file whose path begins with a prefix below `target`, under its whole path (as in the v1 SDK).

    Returns:
        How many were written; without `overwrite`, local files that are there are skipped.
    """
    return _download(store, list(prefix_files(store, prefix)), target, overwrite=overwrite)


def _download(store: ReadableStore, files: Sequence[FileInfo], target: Path, *, overwrite: bool) -> int:
    written = 0
    for info in files:
        place = target / info.path
        if overwrite or not place.exists():
            store.get(info.path, place)
            written += 1
    return written


def get_tree(store: ReadableStore, folder: str, target: Path) -> int:
    """Copy the files of a folder below `target`, relative to that folder, replacing what is there; return how many."""
    start = normalise_path(folder)
    count = 0
    for info in store.list(start):
        store.get(info.path, target / info.path[len(start) :].lstrip("/"))
        count += 1
    return count
