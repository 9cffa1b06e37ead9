"""
What every kind of datastore can do, and the form of its paths.

Everything above talks to a `Store`; one class per kind implements it (`airflow_ml.storage.local`). The protocol is
small on purpose: trees, prefixes and parallel transfers are built on it in `airflow_ml.storage.transfer`, once for
all kinds. Stores across a network are `PartStore`s as well: big files go in parts, and a cut transfer goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias

from airflow_ml.exceptions import UserErrorException

__all__ = [
    "PRIVATE_FOLDER",
    "TEMPORARY_PREFIX",
    "Content",
    "FileInfo",
    "PartStore",
    "PartWriter",
    "ReadableStore",
    "Store",
    "StoredFile",
    "Upload",
    "join_path",
    "normalise_path",
]

#: Where a store keeps what is ours (manifests, commit plans, files on their way); no listing from above shows it.
PRIVATE_FOLDER = ".airflow_ml"

#: Names that begin so belong to writes under way: never listed, refused as names of files.
TEMPORARY_PREFIX = ".aml-tmp-"

#: What a file is written from: the bytes, an open binary stream (read to its end), or a local file.
Content: TypeAlias = "bytes | BinaryIO | Path"


@dataclass(frozen=True)
class FileInfo:
    """
    One file of a store.

    Attributes:
        path: relative to the store's root, with `/`, never beginning with it.
        etag: changes whenever the content may have changed; comparable within one store only.
        modified: aware, UTC.
        digest: what the store itself keeps of the content, with the algorithm in front (`sha256:...`, `md5:...`, in
            hexadecimal digits); "" where it would have to be read.
    """

    path: str
    size: int
    etag: str
    modified: datetime
    digest: str = ""


@dataclass(frozen=True)
class Upload:
    """A local file and the path that it shall have in a store."""

    source: Path
    path: str


@dataclass(frozen=True)
class StoredFile:
    """
    A file as it was written; the digest is that of the bytes that went into the store.

    Attributes:
        etag: of the file as this write left it, whoever has written there since; "" where the store cannot tell.
    """

    path: str
    size: int
    sha256: str
    etag: str = ""


class ReadableStore(Protocol):
    """
    A place that files can be found in and read from.

    Paths may hold any character that a file name can, taken literally: nothing is percent-decoded. Methods raise
    FileNotFoundError for a path that is not there, `UserErrorException` for a path that is no path, and
    `ServiceException` when the place itself fails.
    """

    @property
    def identity(self) -> str:
        """Text that tells this place from every other one, the same in every process; holds no secret."""
        ...

    def stat(self, path: str) -> FileInfo:
        """Return what is known of one file; a folder is not a file."""
        ...

    def exists(self, path: str) -> bool:
        """Tell whether there is a file of that path."""
        ...

    def is_folder(self, path: str) -> bool:
        """Tell whether there is a folder of that path (in object stores: whether files begin with `path/`)."""
        ...

    def list(self, folder: str = "", *, recursive: bool = True) -> Iterator[FileInfo]:
        """Yield the files of a folder in the order of their paths; a folder that is not there has none."""
        ...

    def open_read(self, path: str) -> BinaryIO:
        """Open one file for reading; the caller closes it."""
        ...

    def get(self, path: str, target: Path, *, etag: str | None = None) -> None:
        """
        Copy one file to a local path, which is replaced at once when the last byte has arrived.

        With `etag`, raise ServiceException instead if the file is, or becomes meanwhile, another one.
        """
        ...

    def local_path(self, path: str) -> Path | None:
        """Return where the file lies on this machine, or None; whoever asks must not change it."""
        ...


class Store(ReadableStore, Protocol):
    """
    A datastore that can be written.

    Every write is atomic: readers see the old file, the new one, or none, and what a failed write left is not seen.
    """

    def write(self, path: str, content: Content, *, overwrite: bool = True) -> FileInfo:
        """Write one file; with `overwrite=False` create it or raise FileExistsError, also against other writers."""
        ...

    def put_files(self, uploads: Sequence[Upload], *, token: str) -> tuple[StoredFile, ...]:
        """
        Write many files, none of which is seen before the bytes of all have arrived; existing files are replaced.

        Args:
            uploads: what to write where.
            token: names the undertaking; a later call with the same token ends an earlier one that still runs.
        """
        ...

    def adopts(self, source: Path) -> bool:
        """Tell whether `adopt` can take files from below that local path."""
        ...

    def adopt(self, source: Path, path: str) -> bool:
        """Take a local file itself instead of its bytes; False if it must be copied, and nothing has happened."""
        ...

    def copy(self, source: str, target: str, *, overwrite: bool = True) -> FileInfo:
        """Copy a file within the store, without its bytes passing through here where the store can do that."""
        ...

    def make_folder(self, path: str) -> None:
        """Make an empty folder where the store has such a thing; nothing otherwise."""
        ...

    def delete(self, path: str, *, recursive: bool = False) -> None:
        """Delete a file, or with `recursive` a folder as well; what is not there needs no deleting."""
        ...


class PartWriter(Protocol):
    """
    One file on its way into a store, in parts that may come in any order, from several threads, in several tries.

    Nothing is seen at the file's path before `finish`.
    """

    @property
    def arrived(self) -> frozenset[int]:
        """Indexes of the parts that are there whole, from this try or an earlier one of the same token."""
        ...

    def put(self, index: int, content: bytes | memoryview) -> None:
        """Send one part; the store checks its MD5."""
        ...

    def finish(self, *, overwrite: bool = True, sha256: str = "") -> FileInfo:
        """
        Make the file of all its parts, at once; with `overwrite=False` create it or raise FileExistsError.

        Args:
            overwrite: replace what is there.
            sha256: of the content, to be noted with the file where the store can; "" where it is not known.
        """
        ...

    def abandon(self) -> None:
        """Let go of what has arrived, where the store can do that."""
        ...


class PartStore(Store, Protocol):
    """A store across a network."""

    def read_range(self, path: str, start: int, length: int, *, etag: str) -> bytes:
        """Return bytes of one file; raises ServiceException if it is another one than the ETag says."""
        ...

    def begin(self, path: str, *, size: int, part_size: int, token: str) -> PartWriter:
        """
        Start to write a file in parts, or go on with an earlier try.

        Args:
            path: of the file.
            size: of the whole file, in bytes; more than 0.
            part_size: of every part but the last one, in bytes.
            token: names the content (not the try): parts of an earlier try count only under the same token.
        """
        ...

    def copy_from(
        self, source: ReadableStore, path: str, target: str, *, etag: str, overwrite: bool = True
    ) -> FileInfo | None:
        """Copy a file of another store without its bytes passing through here; None where that cannot be done."""
        ...


def normalise_path(path: str) -> str:
    """
    Return a store path in its one form: no empty or `.` element, no `/` at either end; the root is "".

    Raises:
        UserErrorException: absolute, `..`, a NUL, text that is not Unicode, or one of our temporary names.
    """
    if path.startswith("/"):
        raise UserErrorException(f"path {path!r}: is absolute; paths on a datastore are relative to its root")
    if "\0" in path:
        raise UserErrorException(f"path {path!r}: holds a NUL character, which no file name can; remove it")
    try:
        path.encode("utf-8")
    except UnicodeEncodeError as exc:
        raise UserErrorException(f"path {path!r}: is not Unicode text; rename the file in UTF-8") from exc
    elements = [element for element in path.split("/") if element not in ("", ".")]
    for element in elements:
        if element == "..":
            raise UserErrorException(f"path {path!r}: '..' leads out of its folder; write the path without it")
        if element.startswith(TEMPORARY_PREFIX):
            raise UserErrorException(f"path {path!r}: names beginning with {TEMPORARY_PREFIX!r} are reserved")
    return "/".join(elements)


def join_path(folder: str, relative: str) -> str:
    """Return the path of `relative` below `folder`; either may be empty."""
    return f"{folder}/{relative}" if folder and relative else folder or relative
