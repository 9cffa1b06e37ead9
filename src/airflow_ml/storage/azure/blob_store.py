"""A datastore that is a container of Azure Blob, or of a server that speaks its REST interface."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from airflow_ml.exceptions import UserErrorException
from airflow_ml.storage.azure.blob_copying import copy_between, copy_within
from airflow_ml.storage.azure.blob_entries import digest_metadata
from airflow_ml.storage.azure.blob_listing import delete_folder, in_order, is_ours, listed_files
from airflow_ml.storage.azure.blob_parts import BlobPartWriter
from airflow_ml.storage.azure.blobs import ANY, CREATE, Blobs, Condition
from airflow_ml.storage.azure.blocks import BLOCK_SIZE, block_lane, send_blocks
from airflow_ml.storage.azure.client import content_md5
from airflow_ml.storage.azure.gathering import put_files
from airflow_ml.storage.azure.quick_blobs import QuickBlobs
from airflow_ml.storage.azure.range_reader import open_ranges
from airflow_ml.storage.azure.read_access import address_for_reading
from airflow_ml.storage.files import replacing, storage_errors
from airflow_ml.storage.protocol import (
    Content,
    FileInfo,
    PartWriter,
    ReadableStore,
    StoredFile,
    Upload,
    normalise_path,
)

if TYPE_CHECKING:
    from airflow_ml.storage.azure.client import AzureClient
    from airflow_ml.storage.azure.wire import Sink

__all__ = ["BlobStore"]

#: Bytes up to which a blob is read in one request without a look at its size.
_SMALL = 1 << 20

#: The longest name that the service takes.
_LONGEST_NAME = 1024


class BlobStore:
    """
    A container as a store; safe to use from many threads and processes at once.

    Blobs that only stand for a folder (`hdi_isfolder`, names ending with `/`) are no files; listings leave them out.

    Args:
        client: of the container.
        has_folders: empty folders are kept, as marks; such an account has a mark for every folder (a lake).
    """

    def __init__(self, client: AzureClient, *, has_folders: bool = False) -> None:
        self.blobs = Blobs(client)
        self._quick = QuickBlobs(client)
        self._has_folders = has_folders

    def __repr__(self) -> str:
        return f"BlobStore({self.identity!r})"

    @property
    def client(self) -> AzureClient:
        """What requests go through."""
        return self.blobs.client

    @property
    def identity(self) -> str:
        """The address of the container, without what opens it."""
        address = self.client.address
        return f"azure_blob:{address.server}/{address.container}"

    def for_rclone(self) -> tuple[str, dict[str, str]]:
        """Return the container, and rclone's settings that open it for reading alone."""
        address = address_for_reading(self.client)
        # Characters that names may have stay as they are, but for backslashes, which we keep as rclone does.
        return self.client.address.container, {"type": "azureblob", "sas_url": address, "encoding": "Slash,BackSlash"}

    def create_container(self) -> bool:
        """Make the container; False if it is there already."""
        return self.blobs.create_container()

    def delete_container(self) -> None:
        """Delete the container with all that is in it."""
        self.blobs.delete_container()

    def stat(self, path: str) -> FileInfo:
        """Return size, ETag, modification time and digest of one blob."""
        return self.blobs.stat(_name(path))

    def exists(self, path: str) -> bool:
        """Tell whether there is a blob of that name."""
        try:
            self.stat(path)
        except FileNotFoundError:
            return False
        return True

    def is_folder(self, path: str) -> bool:
        """Tell whether names begin with `path/`, or a blob marks it; the root is a folder when it holds anything."""
        folder = normalise_path(path)
        page = self.blobs.page(f"{folder}/" if folder else "", limit=1)
        while not page.files and not page.markers and page.marker:
            page = self.blobs.page(f"{folder}/" if folder else "", limit=1, marker=page.marker)
        return bool(page.files or page.markers) or (bool(folder) and self.blobs.is_mark(folder))

    def list(self, folder: str = "", *, recursive: bool = True) -> Iterator[FileInfo]:
        """Yield the blobs below a folder in the order of their names, without ours (`.airflow_ml`) unless asked for."""
        start = normalise_path(folder)
        found = listed_files(self.blobs, f"{start}/" if start else "", delimiter="" if recursive else "/")
        return in_order(info for info in found if not is_ours(info.path, asked_for=start))

    def open_read(self, path: str) -> BinaryIO:
        """Open one blob for reading, in ranges under one ETag; its beginning is fetched at once."""
        name = _name(path)
        return open_ranges(lambda start, length, etag: self.blobs.read(name, start, length, etag=etag))

    def get(self, path: str, target: Path, *, etag: str | None = None) -> None:
        """Copy one blob to a local path, in ranges: a cut costs the range that it happened in."""
        name, start, what = _name(path), 0, f"copy of {path!r}"
        with storage_errors(f"copy of {path!r} to {target}", target.parent), replacing(target) as stream:
            small = self._quick.get(name, _SMALL, etag=etag)
            if small is not None:
                stream.write(small)
                return
            while True:
                content, info = self.blobs.read(name, start, BLOCK_SIZE, etag=etag, what=what)
                stream.write(content)
                start, etag = start + len(content), info.etag
                if start >= info.size or not content:
                    return

    def read_range(self, path: str, start: int, length: int, *, etag: str) -> bytes:
        """Return bytes of one blob, under its ETag."""
        name = _name(path)
        # Large ranges would lie in memory three times.
        quick = self._quick.read(name, start, length, etag=etag) if 0 < length <= _SMALL else None
        if quick is None:
            return self.blobs.read(name, start, length, etag=etag)[0] if length else b""
        return quick

    def read_to(self, path: str, start: int, length: int, sink: Sink, *, etag: str) -> int:
        """Hand bytes of one blob to a sink as they come, under its ETag, and return how many there were."""
        return self.blobs.read_to(_name(path), start, length, sink, etag=etag)

    def local_path(self, path: str) -> Path | None:
        """Return None: blobs lie elsewhere."""
        normalise_path(path)
        return None

    def write(self, path: str, content: Content, *, overwrite: bool = True) -> FileInfo:
        """Write one blob: in one request, or in blocks that become the blob at once."""
        name, condition = _name(path), ANY if overwrite else CREATE
        if isinstance(content, bytes):
            return self._write_stream(name, io.BytesIO(content), condition)
        if isinstance(content, Path):
            with storage_errors(f"write of {path!r}", content.parent), content.open("rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                return self._write_stream(name, stream, condition, expected=min(size, BLOCK_SIZE))
        return self._write_stream(name, content, condition)

    def _write_stream(
        self, name: str, stream: BinaryIO, condition: Condition, *, expected: int = BLOCK_SIZE
    ) -> FileInfo:
        first = stream.read(expected + 1)  # asking for more would take as much memory for a moment
        if expected < len(first) <= BLOCK_SIZE:  # the file has grown
            first += stream.read(BLOCK_SIZE + 1 - len(first))
        if len(first) <= BLOCK_SIZE:
            md5 = content_md5(first)
            noted = digest_metadata(hashlib.sha256(first).hexdigest(), size=len(first), md5=md5)
            done = self._quick.put(name, first, md5, noted, create=condition is CREATE)
            return done or self.blobs.put(name, first, noted, condition, is_doubtful=True)
        with block_lane() as lane:
            sent = send_blocks(self.blobs, name, cast(BinaryIO, _Continued(first, stream)), secrets.token_hex(8), lane)
        noted = digest_metadata(sent.sha256, size=sent.size)
        return self.blobs.put_block_list(name, sent.ids, sent.size, noted, condition)

    def put_files(self, uploads: Sequence[Upload], *, token: str) -> tuple[StoredFile, ...]:
        """
        Write many blobs, several at once; what is there is replaced only when the bytes of all have arrived.

        Where nothing is replaced, blobs come one by one: nobody looks for them before something (a manifest) names
        them, and each of them costs one request instead of two.
        """
        return put_files(self.blobs, [Upload(item.source, _name(item.path)) for item in uploads], token=token)

    def begin(self, path: str, *, size: int, part_size: int, token: str) -> PartWriter:
        """Start a blob in blocks, or go on with those that an earlier try of the same token has sent."""
        return BlobPartWriter(self.blobs, _name(path), size=size, part_size=part_size, token=token)

    def adopts(self, source: Path) -> bool:  # noqa: ARG002 - the protocol's
        """Return False: bytes have to go across the network."""
        return False

    def adopt(self, source: Path, path: str) -> bool:  # noqa: ARG002 - the protocol's
        """Return False: bytes have to go across the network."""
        return False

    def copy(self, source: str, target: str, *, overwrite: bool = True) -> FileInfo:
        """Copy a blob within the container; the service does it."""
        return copy_within(self.blobs, _name(source), _name(target), ANY if overwrite else CREATE)

    def copy_from(
        self, source: ReadableStore, path: str, target: str, *, etag: str, overwrite: bool = True
    ) -> FileInfo | None:
        """Copy a blob of another container or account, where the service can reach it; None otherwise."""
        if not isinstance(source, BlobStore):
            return None
        condition = ANY if overwrite else CREATE
        return copy_between(source.blobs, _name(path), self.blobs, _name(target), etag=etag, condition=condition)

    def make_folder(self, path: str) -> None:
        """Make a folder in a lake; do nothing else: with marks, listings ask for each folder by itself."""
        folder = normalise_path(path)
        if folder and self._has_folders:
            self.blobs.make_mark(folder)

    def delete(self, path: str, *, recursive: bool = False) -> None:
        """Delete a blob with its snapshots, or with `recursive` all that begins with `path/` as well."""
        name = _name(path)
        if recursive:
            delete_folder(self.blobs, name)
        self.blobs.delete(name)


def _name(path: str) -> str:
    name = normalise_path(path)
    if not name:
        raise UserErrorException(f"path {path!r}: names the datastore's root, where a file was expected")
    if len(name) > _LONGEST_NAME:
        raise UserErrorException(
            f"path {path[:40]!r}...: has {len(name)} characters, Azure takes {_LONGEST_NAME}; shorten it"
        )
    return name


class _Continued(io.RawIOBase):
    """A stream of which the beginning has been read."""

    def __init__(self, first: bytes, rest: BinaryIO) -> None:
        super().__init__()
        self._first = io.BytesIO(first)
        self._rest = rest

    def read(self, size: int = -1) -> bytes:
        """Read what was read already, and then the rest."""
        return self._first.read(size) or self._rest.read(size)
