"""What the files of a source directory contain: of files that are as the index knows them without reading them."""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

from airflow_ml.exceptions import SnapshotException
from airflow_ml.hashing.content import Identity
from airflow_ml.hashing.sources import hash_source
from airflow_ml.hashing.spread import spread
from airflow_ml.hashing.stat_cache import is_settled
from airflow_ml.snapshots.index import NEVER, STATS, KnownFolder, stat_numbers
from airflow_ml.snapshots.protocol import SnapshotFile
from airflow_ml.snapshots.source_folders import Folder, unreadable

__all__ = ["changing", "files_of", "read_folders", "settled"]

#: A file's stat results and its two digests, as the index has them.
_Content = tuple[bytes, bytes]


def read_folders(folders: Sequence[Folder], before: Mapping[str, KnownFolder]) -> dict[str, KnownFolder]:
    """
    Return the folders with the digests of their files; files that the index knows as they are now are not read.

    Raises:
        SnapshotException: a file cannot be read, or something keeps writing to it.
    """
    known = [content for folder in folders for content in _known_contents(folder, before.get(folder.path))]
    files = [(folder, name) for folder in folders for name in folder.names]
    read = iter(spread(_read, [file for file, content in zip(files, known, strict=True) if content is None]))
    contents = iter([next(read) if content is None else content for content in known])
    return {folder.path: _joined(folder, list(islice(contents, len(folder.names)))) for folder in folders}


def _known_contents(folder: Folder, known: KnownFolder | None) -> Iterator[_Content | None]:
    contents = known.contents() if known else {}
    for name, stats in folder.files():
        content = contents.get(name)
        yield content if content and content[0] == stats else None


def _read(file: tuple[Folder, str]) -> _Content:
    folder, name = file
    path = folder.path_of(name)
    try:
        content = hash_source(str(Path(folder.place, name)), path)
    except OSError as exc:
        raise SnapshotException(changing(path) if exc.errno == errno.EBUSY else unreadable(path, exc)) from exc
    # The file as it was when it was read, which may be later than the look at its folder.
    return STATS.pack(*stat_numbers(content.status)), bytes.fromhex(content.sha256 + content.source_sha256)


def changing(path: str) -> str:
    """Return the text of the error about a file that is being written to."""
    return f"source file {path!r}: was changed while it was read; stop what writes to it and try again"


def _joined(folder: Folder, contents: Sequence[_Content]) -> KnownFolder:
    stats, digests = b"".join(stats for stats, _ in contents), b"".join(digests for _, digests in contents)
    return KnownFolder(folder.names, stats, digests, folder.ignored)


def settled(folder: KnownFolder, read_at_ns: int) -> KnownFolder:
    """Return the folder as it may be remembered: files that could still change without a trace are read again."""
    kept = [
        STATS.pack(*numbers) if is_settled(Identity(*numbers[1:]), read_at_ns) else NEVER
        for numbers in STATS.iter_unpack(folder.stats)
    ]
    return folder._replace(stats=b"".join(kept))


def files_of(folders: Mapping[str, KnownFolder]) -> tuple[SnapshotFile, ...]:
    """Return the files of all folders in the order of their paths."""
    files = [file for path, folder in folders.items() for file in _files_of(f"{path}/" if path else "", folder)]
    return tuple(sorted(files, key=lambda file: file.path))


def _files_of(prefix: str, folder: KnownFolder) -> Iterator[SnapshotFile]:
    digests = folder.digests.hex()
    for number, (name, numbers) in enumerate(zip(folder.names, STATS.iter_unpack(folder.stats), strict=True)):
        sha256, source_sha256 = (
            digests[number * 128 : number * 128 + 64],
            digests[number * 128 + 64 : number * 128 + 128],
        )
        mode, size, *_ = numbers
        yield SnapshotFile(f"{prefix}{name}", size, sha256, bool(mode & stat.S_IXUSR), source_sha256)
