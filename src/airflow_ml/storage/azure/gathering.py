"""
Many files into a container, as an output is committed: several at once, none replaced before all have arrived.

Two writers may be at it for the same undertaking, because the first was believed dead. The later one puts its name into
`.airflow_ml/staging/<token>` first. Every write is conditional on what its writer has seen at the path, so a blob that
another one has written since is never replaced unseen; whoever meets such a blob goes on only if the name is still its
own. It looks at the blob before it looks at the name: what the later writer wrote is safe from the earlier one.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ml.exceptions import ServiceException
from airflow_ml.storage.azure.blob_entries import digest_metadata
from airflow_ml.storage.azure.blob_listing import listed_files
from airflow_ml.storage.azure.blobs import ANY, CREATE, Blobs, Condition, if_match
from airflow_ml.storage.azure.blocks import BLOCK_SIZE, BlockLane, SentBlocks, block_lane, send_blocks
from airflow_ml.storage.azure.client import content_md5
from airflow_ml.storage.azure.errors import ChangedError, LostPartsError
from airflow_ml.storage.protocol import PRIVATE_FOLDER, StoredFile, Upload

if TYPE_CHECKING:
    from typing import BinaryIO

__all__ = ["put_files"]

#: Where the names of those lie that are writing.
STAGING_FOLDER = f"{PRIVATE_FOLDER}/staging"

#: Files on their way at once.
_WRITERS = 8

#: Up to so many files are looked at one by one; beyond, their common folder is listed.
_FEW = 4

#: How often a file is written anew because somebody else keeps writing to its path.
_TRIES = 5


def put_files(blobs: Blobs, uploads: Sequence[Upload], *, token: str) -> tuple[StoredFile, ...]:
    """Write files to their paths, as `Store.put_files` has it."""
    if not uploads:
        return ()
    owner = _Owner(blobs, f"{STAGING_FOLDER}/{token}")
    owner.take()
    there = _etags(blobs, [item.path for item in uploads])
    with block_lane() as lane, ThreadPoolExecutor(_WRITERS, thread_name_prefix="blob-files") as pool:
        gathering = _Gathering(blobs, owner, lane, there)
        step: Callable[[Upload], SentBlocks | StoredFile] = gathering.stage if there else gathering.create
        try:
            first = list(pool.map(step, uploads))
            stored = tuple(pool.map(gathering.finish, uploads, first))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    owner.release()
    return stored


class _Owner:
    """The name of whoever is writing for a token."""

    def __init__(self, blobs: Blobs, path: str) -> None:
        self._blobs, self._path, self._name = blobs, path, secrets.token_hex(8).encode()

    def take(self) -> None:
        """Become the one who writes; an earlier one notices at its next conflict."""
        self._blobs.put(self._path, self._name, {}, ANY)

    def check(self, name: str) -> None:
        """Raise ServiceException if somebody else has become it since."""
        try:
            content, _ = self._blobs.read(self._path, 0, len(self._name))
        except FileNotFoundError:
            content = b""  # the later one has ended already
        if content != self._name:
            raise ServiceException(f"write of {name!r}: another process took over; let that one finish")

    def release(self) -> None:
        """Drop the name, unless it is somebody else's by now."""
        with suppress(FileNotFoundError):
            content, info = self._blobs.read(self._path, 0, len(self._name))
            if content == self._name:
                self._blobs.delete(self._path, if_match(info.etag))


@dataclass(frozen=True)
class _Gathering:
    """
    One call's files on their way.

    Attributes:
        there: ETags of the blobs that files are to replace.
    """

    blobs: Blobs
    owner: _Owner
    lane: BlockLane
    there: dict[str, str]

    def stage(self, upload: Upload) -> SentBlocks:
        """Send the bytes of one file as blocks."""
        with upload.source.open("rb") as stream:
            return self._stage(upload.path, stream)

    def _stage(self, name: str, stream: BinaryIO) -> SentBlocks:
        return send_blocks(self.blobs, name, stream, secrets.token_hex(8), self.lane)

    def create(self, upload: Upload) -> StoredFile | SentBlocks:
        """Write one file where none was: small ones whole, of large ones the bytes."""
        with upload.source.open("rb") as stream:
            if os.fstat(stream.fileno()).st_size > BLOCK_SIZE:
                return self._stage(upload.path, stream)
            content = stream.read()
        try:
            return self._put(upload.path, content, CREATE)
        except FileExistsError:
            return self._contend(upload.path, lambda condition: self._put(upload.path, content, condition))

    def _put(self, name: str, content: bytes, condition: Condition) -> StoredFile:
        sha256 = hashlib.sha256(content).hexdigest()
        info = self.blobs.put(
            name, content, digest_metadata(sha256, size=len(content), md5=content_md5(content)), condition
        )
        return StoredFile(name, len(content), sha256, info.etag)

    def finish(self, upload: Upload, first: SentBlocks | StoredFile) -> StoredFile:
        """Make a file of what was staged for it."""
        if isinstance(first, StoredFile):
            return first
        etag = self.there.get(upload.path)
        try:
            return self._commit(upload.path, first, if_match(etag) if etag else CREATE)
        except (FileExistsError, ChangedError, LostPartsError):
            # Whoever has finished the file has dropped our blocks.
            return self._contend(
                upload.path, lambda condition: self._commit(upload.path, self.stage(upload), condition)
            )

    def _commit(self, name: str, staged: SentBlocks, condition: Condition) -> StoredFile:
        noted = digest_metadata(staged.sha256, size=staged.size)
        info = self.blobs.put_block_list(name, staged.ids, staged.size, noted, condition)
        return StoredFile(name, staged.size, staged.sha256, info.etag)

    def _contend(self, name: str, write: Callable[[Condition], StoredFile]) -> StoredFile:
        """Write where somebody else has written meanwhile, unless that one has taken over."""
        for _ in range(_TRIES):
            etag = _etag(self.blobs, name)
            self.owner.check(name)
            try:
                return write(if_match(etag) if etag else CREATE)
            except (FileExistsError, ChangedError, LostPartsError):
                continue
        raise ServiceException(f"write of {name!r}: others write there all the time; let one run have the path alone")


def _etags(blobs: Blobs, names: Sequence[str]) -> dict[str, str]:
    """Return the ETags of those names that are there."""
    if len(names) > _FEW:
        wanted, folder = set(names), os.path.commonpath([name.rpartition("/")[0] for name in names])
        infos = listed_files(blobs, f"{folder}/" if folder else "")
        return {info.path: info.etag for info in infos if info.path in wanted}
    return {name: etag for name in names if (etag := _etag(blobs, name))}


def _etag(blobs: Blobs, name: str) -> str:
    try:
        return blobs.stat(name).etag
    except FileNotFoundError:
        return ""
