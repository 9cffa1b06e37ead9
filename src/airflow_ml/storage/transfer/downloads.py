"""Files of a store to this machine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from airflow_ml.hashing.content import Identity
from airflow_ml.storage.files import outlast_clock
from airflow_ml.storage.protocol import FileInfo, ReadableStore, normalise_path
from airflow_ml.storage.selection import prefix_files
from airflow_ml.storage.transfer.failures import raise_failure
from airflow_ml.storage.transfer.fetching import Fetching
from airflow_ml.storage.transfer.memory import TransferMemory
from airflow_ml.storage.transfer.pool import MEMORY, run_jobs
from airflow_ml.storage.transfer.progress import Progress

__all__ = ["download", "fetch_files", "get_tree"]


def download(
    store: ReadableStore,
    prefix: str,
    target: Path,
    *,
    overwrite: bool = False,
    memory: TransferMemory | None = None,
    show_progress: bool = False,
) -> int:
    """
    Copy every file whose path begins with a prefix below `target`, under its whole path (as in the v1 SDK).

    Returns:
        How many were asked for; without `overwrite`, local files that are there are skipped.
    """
    files = [(info, target / info.path) for info in prefix_files(store, prefix)]
    if not overwrite:
        files = [(info, place) for info, place in files if not place.exists()]
    fetch_files(store, files, memory=memory, show_progress=show_progress)
    return len(files)


def get_tree(store: ReadableStore, folder: str, target: Path, *, memory: TransferMemory | None = None) -> int:
    """Copy the files of a folder below `target`, relative to that folder, replacing what is there; return how many."""
    start = normalise_path(folder)
    files = [(info, target / info.path[len(start) :].lstrip("/")) for info in store.list(start)]
    fetch_files(store, files, memory=memory)
    return len(files)


def fetch_files(
    store: ReadableStore,
    files: Sequence[tuple[FileInfo, Path]],
    *,
    memory: TransferMemory | None = None,
    show_progress: bool = False,
    done: Callable[[FileInfo], None] | None = None,
    memory_bytes: int = MEMORY,
) -> None:
    """
    Copy files to local paths, replacing what is there unless it is equal.

    Args:
        store: where from.
        files: what goes where; a file that is another one by now is an error.
        memory: of which files are equal without reading them.
        show_progress: in the terminal too.
        done: told of each file that has arrived, by any thread.
        memory_bytes: bytes of files that are held at once.

    Raises:
        ServiceException: the store failed, a file was changed meanwhile, or what came is not what the store says.
            What has arrived stays, and another call goes on.
    """
    progress = Progress("download", is_shown=show_progress)
    fetched: list[tuple[Fetching, Identity]] = []
    equal = memory.equal(store, [(place, info) for info, place in files]) if memory is not None else set()
    wanted = [file for index, file in enumerate(files) if index not in equal]
    progress.unchanged = len(equal)
    progress.expect(len(wanted), sum(info.size for info, _ in wanted))

    def note(job: Fetching, identity: Identity) -> None:
        if memory is not None:
            fetched.append((job, identity))
        if done is not None:
            done(job.info)

    told = None if memory is None and done is None else note
    jobs = (Fetching(store, info, place, may_be_there=memory is not None, done=told) for info, place in wanted)
    try:
        failure = run_jobs(jobs, progress, memory=memory_bytes)
    finally:
        progress.close()
        if memory is not None:
            _remember(memory, store, fetched)
    raise_failure(failure, f"download of {len(wanted)} files", progress, len(wanted))
    if done is not None:
        for index in sorted(equal):
            done(files[index][0])


def _remember(memory: TransferMemory, store: ReadableStore, fetched: Sequence[tuple[Fetching, Identity]]) -> None:
    """Note which files are equal, when any later write to one gives it another time."""
    outlast_clock(time.time_ns())
    for job, identity in fetched:
        try:
            is_same = Identity.of(job.target.stat()) == identity
        except OSError:
            continue
        if is_same:
            memory.add(store, job.target, identity, job.info)
    memory.save()
