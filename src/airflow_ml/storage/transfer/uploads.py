"""Local files into a store."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from stat import S_ISREG

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.hashing.content import Identity
from airflow_ml.hashing.stat_cache import is_settled
from airflow_ml.storage.protocol import FileInfo, Store, Upload, join_path, normalise_path
from airflow_ml.storage.transfer.failures import raise_failure
from airflow_ml.storage.transfer.looking import ListAhead, look
from airflow_ml.storage.transfer.memory import TransferMemory, is_equal
from airflow_ml.storage.transfer.parts import is_part_store
from airflow_ml.storage.transfer.pool import run_jobs
from airflow_ml.storage.transfer.progress import Progress
from airflow_ml.storage.transfer.sending import Sending, SentFile
from airflow_ml.storage.tree import walk_files

__all__ = ["put_file", "put_tree", "upload"]

#: How often a file is sent that the store has acknowledged and has not.
_TRIES = 2


def put_file(store: Store, source: Path, path: str, *, overwrite: bool = False) -> bool:
    """
    Copy one local file into the store.

    Returns:
        False if the path was taken and `overwrite` is off: the file is left as it was, as in the v1 SDK.
    """
    return upload(store, [Upload(source, path)], overwrite=overwrite) == 1


def put_tree(
    store: Store,
    source: Path,
    folder: str,
    *,
    overwrite: bool = False,
    memory: TransferMemory | None = None,
    show_progress: bool = False,
) -> int:
    """
    Copy the files of a local folder below a folder of the store, keeping their relative paths; see `upload`.

    Raises:
        UserErrorException: `source` is no folder, or holds something that is no file (`walk_files`).
    """
    if not source.is_dir():
        raise UserErrorException(f"upload of {str(source)!r}: is not a folder; name an existing one")
    target = normalise_path(folder)
    work = _Uploads(store, overwrite=overwrite, memory=memory, show_progress=show_progress)
    listing = ListAhead(store, target) if work.has_to_look else None
    uploads = [Upload(file.place, join_path(target, file.path)) for file in walk_files(source)]
    return work.run(uploads, listing)


def upload(
    store: Store,
    uploads: Sequence[Upload],
    *,
    overwrite: bool = False,
    memory: TransferMemory | None = None,
    show_progress: bool = False,
) -> int:
    """
    Copy local files to their paths; each is whole or absent at any time, and all are looked for in the end.

    Args:
        store: where to.
        uploads: what goes where.
        overwrite: replace files that are there, unless they are equal; False leaves them, as in the v1 SDK.
        memory: of which files are equal without reading them.
        show_progress: in the terminal too.

    Returns:
        How many files of the store are now as the local ones, without those that were left.

    Raises:
        UserErrorException: one of them is no file, or the store refuses it.
        ServiceException: the store failed. What has arrived stays, and another call goes on.
    """
    work = _Uploads(store, overwrite=overwrite, memory=memory, show_progress=show_progress)
    return work.run(_one_each(uploads, is_last=overwrite), None)


class _Uploads:
    """One call of `upload`."""

    def __init__(self, store: Store, *, overwrite: bool, memory: TransferMemory | None, show_progress: bool) -> None:
        self._store, self._overwrite, self._memory = store, overwrite, memory
        self._progress = Progress("upload", is_shown=show_progress)
        self._sent: dict[str, tuple[Upload, FileInfo]] = {}
        self._left: list[str] = []

    @property
    def has_to_look(self) -> bool:
        """What lies at the paths matters, or is quicker to ask than to write; a local store answers as quickly."""
        return is_part_store(self._store) or (self._overwrite and self._memory is not None)

    def run(self, uploads: Sequence[Upload], listing: ListAhead | None) -> int:
        """Upload, and return how many files of the store are as the local ones."""
        try:
            return self._run(uploads, listing)
        finally:
            self._progress.close()
            if self._memory is not None:
                self._memory.save()

    def _run(self, uploads: Sequence[Upload], listing: ListAhead | None) -> int:
        files = [(item.source, _identity(item.source)) for item in uploads]
        sizes = {item.path: identity.size for item, (_, identity) in zip(uploads, files, strict=True)}
        recalled = self._memory.recall(files) if self._overwrite and self._memory is not None else [None] * len(files)
        there = look(self._store, [item.path for item in uploads], listing=listing) if self.has_to_look else {}
        wanted = []
        for item, known in zip(uploads, recalled, strict=True):
            info = there.get(item.path)
            if info is not None and not self._overwrite:
                self._left.append(item.path)
            elif info is not None and is_equal(known, self._store, info):
                self._progress.unchanged += 1
            else:
                wanted.append(item)
        self._send(wanted, there, sizes)
        self._look_again(sizes)
        return len(uploads) - len(self._left)

    def _send(self, uploads: Sequence[Upload], there: Mapping[str, FileInfo], sizes: Mapping[str, int]) -> None:
        self._progress.expect(len(uploads), sum(sizes[item.path] for item in uploads))
        failure = run_jobs(self._jobs(uploads, there, sizes), self._progress)
        raise_failure(failure, f"upload of {len(uploads)} files", self._progress, len(uploads))

    def _jobs(
        self, uploads: Sequence[Upload], there: Mapping[str, FileInfo], sizes: Mapping[str, int]
    ) -> Iterator[Sending]:
        for item in uploads:
            yield Sending(
                self._store,
                item.source,
                item.path,
                size=sizes[item.path],
                there=there.get(item.path),
                overwrite=self._overwrite,
                done=self._note,
            )

    def _note(self, job: Sending, sent: SentFile) -> None:
        """Take in what became of a file; called by the pool's threads, whose single operations need no lock here."""
        if sent.info is None:
            self._left.append(job.path)
            return
        self._sent[job.path] = (Upload(job.source, job.path), sent.info)
        if self._memory is not None and is_settled(sent.identity, sent.read_at_ns):
            self._memory.add(self._store, job.source, sent.identity, sent.info)

    def _look_again(self, sizes: Mapping[str, int]) -> None:
        """Find what the store has acknowledged and has not, as some proxies make it, and send it again."""
        for number in range(_TRIES):
            lost = self._lost()
            if not lost:
                return
            if number + 1 < _TRIES:
                self._send([self._sent[path][0] for path in lost], {}, sizes)
        raise ServiceException(
            f"upload of {len(self._sent)} files: the store has acknowledged {len(lost)} of them and has them not, for "
            f"instance {lost[0]!r}; find out what lies between, and call it again"
        )

    def _lost(self) -> list[str]:
        if not is_part_store(self._store) or not self._sent:
            return []
        there = look(self._store, [*self._sent])
        return [path for path, (_, info) in self._sent.items() if not _is_kept(info, there.get(path))]


def _one_each(uploads: Sequence[Upload], *, is_last: bool) -> list[Upload]:
    """Return one file for each path: the last one where files are replaced, the first one where they stay."""
    chosen: dict[str, Upload] = {}
    for item in uploads:
        path = normalise_path(item.path)
        if is_last or path not in chosen:
            chosen[path] = Upload(item.source, path)
    return list(chosen.values())


def _is_kept(sent: FileInfo, there: FileInfo | None) -> bool:
    """Tell whether a file is in the store as it was sent, or as somebody else has written it since."""
    return there is not None and (there.etag != sent.etag or there.size == sent.size)


def _identity(source: Path) -> Identity:
    try:
        status = os.stat(source)  # noqa: PTH116 - a million times
    except OSError as exc:
        raise UserErrorException(
            f"upload of {str(source)!r}: is not a file ({exc.strerror}); name an existing one"
        ) from exc
    if not S_ISREG(status.st_mode):
        raise UserErrorException(f"upload of {str(source)!r}: is not a file; name an existing one")
    return Identity.of(status)
