"""
Putting inputs where a step finds them.

Mounting needs no FUSE: the step gets a tree of read-only files that are hard links into a cache on the host
(`airflow_ml.storage.cache`), never the store's own files, so that no script can change a store. Files of a store on
this machine are bound instead, where the launcher can do that (`airflow_ml.storage.in_place`): nothing is copied. Who
asks for FUSE gets it from `airflow_ml.storage.fuse_mount`.
Downloading gives copies of its own that the script may write to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Literal, TypeAlias

from airflow_ml.exceptions import DatasetNotFoundError
from airflow_ml.storage.cache import FETCH_MEMORY, FileCache
from airflow_ml.storage.files_state import FilesState
from airflow_ml.storage.fuse_mount import LazyPlacing
from airflow_ml.storage.in_place import Bind, bind_in_place
from airflow_ml.storage.protocol import FileInfo, ReadableStore, join_path, normalise_path
from airflow_ml.storage.transfer.failures import raise_failure
from airflow_ml.storage.transfer.fetching import Fetching
from airflow_ml.storage.transfer.pool import Job, Piece, run_jobs
from airflow_ml.storage.transfer.progress import Progress

__all__ = ["Placement", "StagingMode", "place_files", "stage_input"]

StagingMode: TypeAlias = Literal["mount", "download"]


@dataclass(frozen=True)
class Placement:
    """A file of a store and the local path that it shall have."""

    store: ReadableStore
    info: FileInfo
    target: Path


def stage_input(
    store: ReadableStore,
    path: str,
    target: Path,
    mode: StagingMode,
    *,
    cache: Path,
    datastore: str,
    files: Sequence[str] | None = None,
    allow_missing: bool = False,
    state: FilesState | None = None,
    binds: list[Bind] | None = None,
    lazy: LazyPlacing | None = None,
) -> Path:
    """
    Bring a file or folder of a store below `target`; staging it again over an earlier, cut try is fine.

    Args:
        store: where from.
        path: of a file or a folder; "" is the whole store.
        target: a folder of this input alone; made here.
        mode: `mount` for read-only files out of the cache, `download` for copies that may be written.
        cache: the folder of the host's cache.
        datastore: the store's name in the workspace, for errors.
        files: which files of the folder, relative to `path`, for instance those of a manifest ("" is `path` itself);
            None takes all.
        allow_missing: a path that is not there becomes an empty folder (how v1 mounts a data reference).
        state: takes in the files that were staged.
        binds, lazy: as in `place_files`.

    Returns:
        What the script gets: `target` for a folder, `target/NAME` for a single file.

    Raises:
        DatasetNotFoundError: the path, or one of `files`, is not there.
    """
    normal = normalise_path(path)
    target.mkdir(parents=True, exist_ok=True)
    if files is not None:
        found = _named_files(store, normal, files, datastore)
    elif normal and store.exists(normal):
        found = [store.stat(normal)]
    elif store.is_folder(normal) or allow_missing:
        found = list(store.list(normal))
    else:
        raise DatasetNotFoundError(
            f"datastore {datastore!r}: path {path!r} is not there; check it, or run the step that writes it first"
        )
    placements = (Placement(store, info, _target(target, normal, info.path)) for info in found)
    place_files(placements, mode, cache, state, binds=binds, lazy=lazy)
    is_single = len(found) == 1 and found[0].path == normal
    return _target(target, normal, normal) if is_single else target


def _named_files(store: ReadableStore, path: str, files: Sequence[str], datastore: str) -> list[FileInfo]:
    if list(files) == [""]:
        there = {path: store.stat(path)} if store.exists(path) else {}
    else:
        there = {info.path: info for info in store.list(path)}
    wanted = [join_path(path, file) for file in files]
    missing = [location for location in wanted if location not in there]
    if missing:
        raise DatasetNotFoundError(
            f"datastore {datastore!r}: {len(missing)} of {len(wanted)} files are not there, for instance "
            f"{missing[0]!r}; they were deleted since they were written: run the step that writes them again"
        )
    return [there[location] for location in wanted]


def _target(target: Path, path: str, file: str) -> Path:
    return target / (file.rpartition("/")[2] if file == path else file[len(path) :].lstrip("/"))


def place_files(
    placements: Iterable[Placement],
    mode: StagingMode,
    cache: Path,
    state: FilesState | None = None,
    *,
    binds: list[Bind] | None = None,
    lazy: LazyPlacing | None = None,
) -> None:
    """
    Put each file at its local path, replacing what is there; several at once.

    Args:
        binds: receives what the launcher binds, so that mounted files of stores on this machine need not be copied;
            None: it cannot.
        lazy: mounts files that come when they are read; None: none do.
    """
    if mode == "mount" and lazy is not None:
        placements = lazy.take(list(placements), state)
    if mode == "mount" and binds is not None:
        placements = list(placements)
        bound = bind_in_place(placements)
        if bound is not None:
            binds += bound
            if state is not None:
                for item in placements:
                    state.add(item.info)
            return
    lock = Lock()

    def note(info: FileInfo) -> None:
        if state is not None:
            with lock:
                state.add(info)

    kept = FileCache(cache)
    jobs: Iterator[Job] = (
        _Mounting(kept, item, note)
        if mode == "mount"
        else Fetching(item.store, item.info, item.target, done=lambda job, _: note(job.info))
        for item in placements
    )
    progress = Progress(mode)
    failure = run_jobs(jobs, progress)
    raise_failure(failure, f"{mode} of files", progress, None)


class _Mounting:
    """The job that puts one file out of the cache in its place."""

    def __init__(self, cache: FileCache, item: Placement, done: Callable[[FileInfo], None]) -> None:
        self._cache, self._item, self._done = cache, item, done
        self.name = item.info.path

    @property
    def weight(self) -> int:
        """What fetching the file into the cache may hold."""
        return min(self._item.info.size, FETCH_MEMORY)

    def start(self) -> tuple[int, Sequence[tuple[int, Piece]]]:
        """Link the file, after fetching it if it is new."""
        item = self._item
        self._cache.link(item.store, item.info, item.target)
        self._done(item.info)
        return item.info.size, ()

    def finish(self) -> None:
        """Do nothing more."""

    def abandon(self) -> None:
        """Do nothing more."""
