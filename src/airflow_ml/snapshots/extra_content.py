"""
Digests of what a step's `hash_paths` name: files and folders outside of the snapshot, or below it.

No ignore file applies to them: who names a path means it. What counts of a folder is what counts of a source
directory: the paths below it, the execute bits, and contents, with normalised line ends in text formats. Links are
followed wherever they lead.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from airflow_ml.exceptions import SnapshotException
from airflow_ml.hashing.sources import hash_source
from airflow_ml.hashing.stat_cache import StatCache
from airflow_ml.hashing.text import is_text
from airflow_ml.registry.home import Home

__all__ = ["hash_paths", "paths_outside"]

#: In the place of the digest of what is not there.
_NOTHING = "nothing"


def hash_paths(directory: Path, paths: Iterable[str], cache: StatCache) -> dict[str, str]:
    """
    Return the digest of what each path names.

    Args:
        directory: what relative paths are relative to, the step's source directory.
        cache: of digests of files whose line ends count.

    Nothing need be there where a path leads into the folder itself: v1's code names files so that are not there.

    Raises:
        SnapshotException: nothing is there, or it cannot be read; the text names the path.
    """
    digests = {path: _digest_named(directory, path, cache) for path in paths}
    cache.save()
    return digests


def paths_outside(directory: Path, paths: Iterable[str]) -> list[str]:
    """Return those of the paths that lead out of the folder: to what may change while a step runs."""
    root = os.path.realpath(directory)
    return [path for path in paths if not f"{os.path.realpath(directory / path)}{os.sep}".startswith(f"{root}{os.sep}")]


def _digest_named(directory: Path, path: str, cache: StatCache) -> str:
    place = os.path.realpath(directory / path)
    is_inside = os.path.normpath(directory / path).startswith(f"{os.path.normpath(directory)}{os.sep}")
    if is_inside and not os.path.lexists(place):
        return _NOTHING
    try:
        return _digest(place, cache)
    except OSError as exc:
        which = f" ({exc.filename!r})" if exc.filename not in (None, place) else ""
        raise SnapshotException(
            f"hash_paths: {path!r} of {str(directory)!r} cannot be read: {exc.strerror}{which}; name files and folders"
            " that are there, relative to the source directory"
        ) from exc


def _digest(place: str, cache: StatCache) -> str:
    is_folder = stat.S_ISDIR(Path(place).stat().st_mode)
    home = os.path.realpath(Home.default().root)
    found = _walk("", (place,), home) if is_folder else [("", place)]
    records = [[path, *_content(file, path or place, cache)] for path, file in found]
    return hashlib.sha256(json.dumps(records, separators=(",", ":")).encode()).hexdigest()


def _content(place: str, name: str, cache: StatCache) -> tuple[bool, str]:
    if is_text(name):
        content = hash_source(place, name)
        return content.is_executable, content.source_sha256
    return bool(Path(place).stat().st_mode & stat.S_IXUSR), cache.digest_file(place).digest


def _walk(folder: str, above: tuple[str, ...], home: str) -> Iterator[tuple[str, str]]:
    with os.scandir(above[-1]) as scan:
        entries = sorted(scan, key=lambda entry: entry.name)
    for entry in entries:
        path = f"{folder}{entry.name}"
        place = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
        if not Path(place).is_dir():
            yield path, place
        elif place in above:
            raise OSError(0, "is a link to a folder that it lies in", entry.path)
        elif place != home:
            yield from _walk(f"{path}/", (*above, place), home)
