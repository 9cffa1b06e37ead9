"""
A datastore that is an Azure file share.

The service has folders, and no write that is whole or absent: files arrive in a folder of ours, and are renamed from
there into their places.
"""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.storage.azure.range_reader import open_ranges
from airflow_ml.storage.azure.share_parts import ARRIVING_FOLDER, RANGE_SIZE, SharePartWriter
from airflow_ml.storage.files import replacing, storage_errors
from airflow_ml.storage.protocol import (
    PRIVATE_FOLDER,
    TEMPORARY_PREFIX,
    Content,
    FileInfo,
    PartWriter,
    ReadableStore,
    StoredFile,
    Upload,
    join_path,
    normalise_path,
)

if TYPE_CHECKING:
    from azure.storage.fileshare import FileProperties, ShareFileClient

    from airflow_ml.storage.azure.share_client import FileShare

__all__ = ["FileShareStore"]

#: What the service refuses in names ("Naming and referencing shares" of Microsoft's reference), and its limits.
_REFUSED = '"\\:|<>*?'
_LONGEST_NAME = 255
_LONGEST_PATH = 2048

#: How many files are sent at once; the service's own limit is its bandwidth per share.
_LANES = 4


class FileShareStore:
    """
    A file share as a store; safe to use from many threads and processes at once.

    Names are kept as they are written and found in any case (`A.csv` and `a.csv` are one file).

    Args:
        share: the client of the share.
    """

    def __init__(self, share: FileShare) -> None:
        self._share = share

    def __repr__(self) -> str:
        return f"FileShareStore({self.identity!r})"

    @property
    def identity(self) -> str:
        """The address of the share, without what opens it."""
        return f"azure_file:{self._share.address.server}/{self._share.address.container}"

    def create_share(self) -> bool:
        """Make the share; False if it is there already."""
        try:
            self._share.ask("creation", self._share.address.container, lambda client: client.create_share())
        except FileExistsError:
            return False
        return True

    def stat(self, path: str) -> FileInfo:
        """Return size, ETag, modification time and MD5 of one file."""
        name = _name(path)
        return _info(name, self._properties(name, "look"))

    def _properties(self, name: str, what: str) -> FileProperties:
        return self._share.ask(what, name, lambda client: client.get_file_client(name).get_file_properties())

    def exists(self, path: str) -> bool:
        """Tell whether there is a file of that path."""
        try:
            self.stat(path)
        except FileNotFoundError:
            return False
        return True

    def is_folder(self, path: str) -> bool:
        """Tell whether there is a folder of that path; the root is one where the share is there."""
        folder = normalise_path(path)
        if not folder:
            self._share.ask("look", self._share.address.container, lambda client: client.get_share_properties())
            return True
        return bool(self._share.ask("look", folder, lambda client: client.get_directory_client(folder).exists()))

    def list(self, folder: str = "", *, recursive: bool = True) -> Iterator[FileInfo]:
        """Yield the files of a folder in the order of their paths, without ours (`.airflow_ml`) unless asked for."""
        start = normalise_path(folder)
        for name, entry in self._entries(start):
            path = join_path(start, name.rstrip("/"))
            if name.startswith(TEMPORARY_PREFIX) or path == PRIVATE_FOLDER:
                continue
            if entry is None:
                if recursive:
                    yield from self.list(path)
            else:
                yield _info(path, entry)

    def _entries(self, folder: str) -> Sequence[tuple[str, Any]]:
        """Return what lies in a folder by name, in the order of whole paths; folders end with `/` and have no entry."""

        def page(client: Any, marker: str | None) -> tuple[list[Any], str | None]:
            place = client.get_directory_client(folder or None)
            pages = place.list_directories_and_files(include=["timestamps", "Etag"]).by_page(marker)
            return list(next(pages, ())), pages.continuation_token

        found: list[tuple[str, Any]] = []
        marker: str | None = None
        with suppress(FileNotFoundError):
            while True:
                items, marker = self._share.ask("listing", folder, partial(page, marker=marker))
                found += [(f"{item.name}/", None) if item.is_directory else (item.name, item) for item in items]
                if not marker:
                    break
        return sorted(found, key=lambda item: item[0])

    def open_read(self, path: str) -> BinaryIO:
        """Open one file for reading, in ranges under one ETag."""
        info = self.stat(path)

        def read(start: int, length: int, _etag: str | None) -> tuple[bytes, FileInfo]:
            return self.read_range(path, start, min(length, info.size - start), etag=info.etag), info

        return open_ranges(read)

    def get(self, path: str, target: Path, *, etag: str | None = None) -> None:
        """Copy one file to a local path, in ranges under one ETag."""
        info = self.stat(path)
        if etag not in (None, info.etag):
            raise ServiceException(f"path {path!r}: the file was changed meanwhile; try again")
        with storage_errors(f"copy of {path!r} to {target}", target.parent), replacing(target) as stream:
            for start in range(0, info.size, RANGE_SIZE):
                stream.write(self.read_range(path, start, RANGE_SIZE, etag=info.etag))

    def read_range(self, path: str, start: int, length: int, *, etag: str) -> bytes:
        """Return bytes of one file; the answer's ETag says whether it is still the same one."""
        name = _name(path)
        if not length:
            return b""

        def ask(client: Any) -> tuple[bytes, str]:
            found = client.get_file_client(name).download_file(start, length)
            return found.readall(), str(found.properties.etag).strip('"')

        content, found = self._share.ask("read", name, ask)
        if found != etag:
            raise ServiceException(f"path {path!r}: the file was changed while it was read; try again")
        return content

    def local_path(self, path: str) -> Path | None:
        """Return None: shares lie elsewhere."""
        normalise_path(path)
        return None

    def write(self, path: str, content: Content, *, overwrite: bool = True) -> FileInfo:
        """Write one file beside its place, then rename it."""
        name = _name(path)
        if not overwrite and self.exists(name):
            raise FileExistsError(f"path {path!r}: the path is taken")
        arriving = f"{ARRIVING_FOLDER}/{secrets.token_hex(16)}"
        try:
            self._send(arriving, content, name)
            return self._put_in_place(arriving, name, overwrite=overwrite)
        except BaseException:
            with suppress(Exception):
                self._share.ask("deletion", name, lambda client: client.get_file_client(arriving).delete_file())
            raise

    def _send(self, arriving: str, content: Content, path: str) -> StoredFile:
        """Write content for a path to a place that nobody sees, and return its size and sha256."""
        if isinstance(content, Path):
            with storage_errors(f"write of {path!r}", content.parent), content.open("rb") as stream:
                return self._send_stream(arriving, stream, path)
        return self._send_stream(arriving, io.BytesIO(content) if isinstance(content, bytes) else content, path)

    def _send_stream(self, arriving: str, stream: BinaryIO, path: str) -> StoredFile:
        from azure.storage.fileshare import ContentSettings

        def ask(request: Callable[[ShareFileClient], object]) -> None:
            self._share.ask("write", path, lambda client: request(client.get_file_client(arriving)))

        def send(piece: bytes, start: int) -> None:
            if start:  # how long the content is shows at its end
                ask(lambda file: file.resize_file(start + len(piece)))
            ask(lambda file: file.upload_range(piece, start, len(piece), validate_content=True))

        self._make_folder(ARRIVING_FOLDER)
        md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
        piece = _read(stream)
        first = len(piece)
        ask(lambda file: file.create_file(first))
        while piece:
            send(piece, size)
            md5.update(piece)
            sha256.update(piece)
            size += len(piece)
            piece = _read(stream)
        ask(lambda file: file.set_http_headers(ContentSettings(content_md5=bytearray(md5.digest()))))
        return StoredFile(path, size, sha256.hexdigest())

    def _put_in_place(self, arriving: str, path: str, *, overwrite: bool = True) -> FileInfo:
        """Rename a whole file to its path."""
        self._make_folder(path.rpartition("/")[0])
        self._share.rename(arriving, path, overwrite=overwrite)
        return self.stat(path)

    def put_files(self, uploads: Sequence[Upload], *, token: str) -> tuple[StoredFile, ...]:
        """Send all files to a folder of their own, several at once, then rename them into place."""
        names = [_name(upload.path) for upload in uploads]
        gathered = f"{ARRIVING_FOLDER}/{hashlib.sha256(token.encode()).hexdigest()[:32]}"
        self.delete(gathered, recursive=True)
        if not uploads:
            return ()
        self._make_folder(gathered)
        with ThreadPoolExecutor(_LANES) as lanes:
            places = [f"{gathered}/{number}" for number in range(len(uploads))]
            sent = [
                *lanes.map(
                    lambda pair: self._send(pair[0], pair[1].source, pair[1].path), zip(places, uploads, strict=True)
                )
            ]
            infos = [*lanes.map(lambda pair: self._put_in_place(*pair), zip(places, names, strict=True))]
        self.delete(gathered, recursive=True)
        return tuple(
            StoredFile(name, file.size, file.sha256, info.etag)
            for name, file, info in zip(names, sent, infos, strict=True)
        )

    def begin(self, path: str, *, size: int, part_size: int, token: str) -> PartWriter:
        """Start a file in ranges, or go on with those that an earlier try of the same token has sent."""
        self._make_folder(ARRIVING_FOLDER)
        return SharePartWriter(
            self._share, _name(path), size=size, part_size=part_size, token=token, place=self._put_in_place
        )

    def adopts(self, source: Path) -> bool:  # noqa: ARG002 - the protocol's
        """Return False: bytes have to go across the network."""
        return False

    def adopt(self, source: Path, path: str) -> bool:  # noqa: ARG002 - the protocol's
        """Return False: bytes have to go across the network."""
        return False

    def copy(self, source: str, target: str, *, overwrite: bool = True) -> FileInfo:
        """Copy a file within the share, range by range."""
        with self.open_read(source) as stream:
            return self.write(target, stream, overwrite=overwrite)

    def copy_from(
        self, source: ReadableStore, path: str, target: str, *, etag: str, overwrite: bool = True
    ) -> FileInfo | None:
        """Return None: bytes pass through here."""
        del source, path, target, etag, overwrite
        return None

    def make_folder(self, path: str) -> None:
        """Make a folder, and those above it."""
        self._make_folder(normalise_path(path))

    def _make_folder(self, folder: str) -> None:
        if not folder or self.is_folder(folder):
            return
        self._make_folder(folder.rpartition("/")[0])
        with suppress(FileExistsError):  # another writer was quicker
            self._share.ask("write", folder, lambda client: client.get_directory_client(folder).create_directory())

    def delete(self, path: str, *, recursive: bool = False) -> None:
        """Delete a file, or with `recursive` a folder as well."""
        name = _name(path)
        with suppress(FileNotFoundError):
            self._share.ask("deletion", name, lambda client: client.get_file_client(name).delete_file())
            return
        if recursive and self.is_folder(name):
            for entry, _ in self._entries(name):
                self.delete(f"{name}/{entry.rstrip('/')}", recursive=True)
            with suppress(FileNotFoundError):
                self._share.ask("deletion", name, lambda client: client.get_directory_client(name).delete_directory())


def _read(stream: BinaryIO) -> bytes:
    """Return the next range of a stream, whole unless the stream ends."""
    pieces, wanted = [], RANGE_SIZE
    while wanted and (piece := stream.read(wanted)):
        pieces.append(piece)
        wanted -= len(piece)
    return b"".join(pieces)


def _info(path: str, found: Any) -> FileInfo:
    modified = found.last_modified or getattr(found, "last_write_time", None) or datetime.fromtimestamp(0, timezone.utc)
    settings = getattr(found, "content_settings", None)
    md5 = getattr(settings, "content_md5", None)
    return FileInfo(path, found.size, str(found.etag).strip('"'), modified, f"md5:{bytes(md5).hex()}" if md5 else "")


def _name(path: str) -> str:
    name = normalise_path(path)
    if not name:
        raise UserErrorException(f"path {path!r}: names the datastore's root, where a file was expected")
    refused = sorted(set(name) & set(_REFUSED)) or [character for character in name if ord(character) < 32]
    if refused:
        raise UserErrorException(
            f"path {path!r}: holds {refused[0]!r}, which Azure file shares take in no name; rename it, or keep "
            "the file in a blob container"
        )
    if len(name) > _LONGEST_PATH or any(len(element) > _LONGEST_NAME for element in name.split("/")):
        raise UserErrorException(
            f"path {path[:40]!r}...: is too long for a file share, which takes {_LONGEST_NAME} characters in a name "
            f"and {_LONGEST_PATH} in a path; shorten it"
        )
    return name
