"""A datastore that is a local folder (or a mounted share)."""

from __future__ import annotations

import errno
import glob
import logging
import os
import secrets
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO, cast

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.storage.files import copy_file, copy_hashed, make_folder, replacing, storage_errors, sync, write_content
from airflow_ml.storage.protocol import (
    PRIVATE_FOLDER,
    TEMPORARY_PREFIX,
    Content,
    FileInfo,
    StoredFile,
    Upload,
    join_path,
    normalise_path,
)

__all__ = ["STAGING_FOLDER", "LocalStore"]

_log = logging.getLogger(__name__)

#: Where `put_files` gathers the bytes before it renames; inside the store, so that a rename is enough.
STAGING_FOLDER = f"{PRIVATE_FOLDER}/staging"


class LocalStore:
    """
    A folder as a store; safe to use from many threads and processes at once.

    Symbolic links whose target lies inside the root are files like others; links to folders are not entered by
    listings. A path that leads out of the root through a link is refused, and left out of listings with a warning.

    Args:
        root: made when the first file is written.
        durable: wait for the disk on every write (fsync): what was written survives a power cut.
    """

    def __init__(self, root: Path, *, durable: bool = False) -> None:
        self.root = Path(os.path.realpath(root))
        self.durable = durable

    def __repr__(self) -> str:
        return f"LocalStore({str(self.root)!r})"

    @property
    def identity(self) -> str:
        """The real path of the root."""
        return f"local:{self.root}"

    def stat(self, path: str) -> FileInfo:
        """Return size, ETag and modification time of one file."""
        place = self._place(path)
        with storage_errors(f"path {path!r}", self.root):
            try:
                status = place.stat()
            except NotADirectoryError:
                raise self._missing(path) from None
            except FileNotFoundError:
                raise self._missing(path) from None
        if not stat.S_ISREG(status.st_mode):
            raise self._missing(path)
        return _info(normalise_path(path), status)

    def _missing(self, path: str) -> FileNotFoundError:
        return FileNotFoundError(f"path {path!r}: there is no such file in {self.root}")

    def exists(self, path: str) -> bool:
        """Tell whether there is a file of that path."""
        with storage_errors(f"path {path!r}", self.root):
            return self._place(path).is_file()

    def is_folder(self, path: str) -> bool:
        """Tell whether there is a folder of that path; the root is one when it has been made."""
        with storage_errors(f"path {path!r}", self.root):
            return self._place(path, root=True).is_dir()

    def list(self, folder: str = "", *, recursive: bool = True) -> Iterator[FileInfo]:
        """Yield the files of a folder in the order of their paths, without ours (`.airflow_ml`) unless asked for."""
        start = normalise_path(folder)
        if self._place(start, root=True).is_dir():
            yield from self._walk(start, recursive=recursive)

    def _walk(self, folder: str, *, recursive: bool) -> Iterator[FileInfo]:
        with storage_errors(f"folder {folder!r}", self.root), os.scandir(self.root / folder) as scan:
            # Names alone are kept: a folder may hold a million. The "/" behind a folder's name makes their order the
            # order of the whole paths.
            names = sorted(entry.name + "/" * entry.is_dir(follow_symlinks=False) for entry in scan)
        for name in names:
            path = join_path(folder, name.rstrip("/"))
            if name.startswith(TEMPORARY_PREFIX) or path == PRIVATE_FOLDER:
                continue
            if name.endswith("/"):
                if recursive:
                    yield from self._walk(path, recursive=True)
                continue
            info = self._listed_info(path)
            if info is not None:
                yield info

    def _listed_info(self, path: str) -> FileInfo | None:
        normalise_path(path)  # a name that no path can hold must not get into a listing unnoticed
        place = self.root / path
        try:
            status = place.lstat()
            if stat.S_ISLNK(status.st_mode):
                if not self._is_inside(os.path.realpath(place)):
                    _log.warning("link %r in %s leads out of it and is left out", path, self.root)
                    return None
                status = place.stat()
        except (FileNotFoundError, NotADirectoryError):  # deleted since the folder was read, or a link to nothing
            return None
        except OSError as exc:
            if exc.errno == errno.ELOOP:
                return None
            raise ServiceException(f"path {path!r}: {exc.strerror or exc} (errno {exc.errno})") from exc
        return _info(path, status) if stat.S_ISREG(status.st_mode) else None

    def open_read(self, path: str) -> BinaryIO:
        """Open one file for reading."""
        self.stat(path)
        with storage_errors(f"path {path!r}", self.root):
            return self._place(path).open("rb")

    def get(self, path: str, target: Path, *, etag: str | None = None) -> None:
        """Copy one file to a local path; the kernel shares the blocks where it can."""
        where = f"copy of {path!r} to {target}"
        with self.open_read(path) as source, storage_errors(where, target.parent), replacing(target) as stream:
            copy_file(source, stream)
            # Asked of the open file at the end: a file that was written to while being copied has another ETag too.
            if etag not in (None, _info(path, os.fstat(source.fileno())).etag):
                raise ServiceException(f"path {path!r}: the file was changed while it was read; try again")

    def local_path(self, path: str) -> Path | None:
        """Return the file's or folder's own path, whether it is there or not."""
        return self._place(path, root=True)

    def write(self, path: str, content: Content, *, overwrite: bool = True) -> FileInfo:
        """Write one file under another name in its folder, then rename, or link when it must not exist yet."""
        place = self._place(path)
        with (
            storage_errors(f"write of {path!r}", self.root),
            replacing(place, overwrite=overwrite, durable=self.durable) as stream,
        ):
            write_content(stream, content)
        return self.stat(path)

    def put_files(self, uploads: Sequence[Upload], *, token: str) -> tuple[StoredFile, ...]:
        """Copy all files into a folder of their own inside the store, hashing them, then rename them into place."""
        staging = self._place(STAGING_FOLDER)
        for left in staging.glob(f"{glob.escape(token)}-*"):
            shutil.rmtree(left, ignore_errors=True)
        if not uploads:
            return ()
        gathered = staging / f"{token}-{secrets.token_hex(4)}"
        try:
            with storage_errors(f"write of {len(uploads)} files", self.root):
                gathered.mkdir(parents=True)
                stored = tuple(self._gather(gathered / str(i), upload) for i, upload in enumerate(uploads))
                etags = [self._put_in_place(gathered / str(i), upload.path) for i, upload in enumerate(uploads)]
        finally:
            shutil.rmtree(gathered, ignore_errors=True)
        return tuple(replace(file, etag=etag) for file, etag in zip(stored, etags, strict=True))

    def _gather(self, target: Path, upload: Upload) -> StoredFile:
        with upload.source.open("rb", buffering=0) as source, target.open("xb") as stream:
            size, digest = copy_hashed(cast(BinaryIO, source), stream)
        if self.durable:
            sync(target)
        return StoredFile(normalise_path(upload.path), size, digest)

    def _put_in_place(self, gathered: Path, path: str) -> str:
        """Rename a file to its path and return its ETag there, not that of whoever wrote there in the same moment."""
        place = self._place(path)
        make_folder(place.parent)
        try:
            before = gathered.stat()
        except FileNotFoundError:
            raise ServiceException(f"write of {path!r}: another process took over; let that one finish") from None
        if not self._rename(gathered, place):
            return self.write(path, gathered).etag
        after = place.stat()
        return _etag(after if after.st_ino == before.st_ino else before)

    def _rename(self, source: Path, target: Path) -> bool:
        """Rename over what is there; False between two file systems (a mount inside the store)."""
        try:
            source.replace(target)
        except OSError as exc:
            if exc.errno != errno.EXDEV:
                raise
            return False
        if self.durable:
            sync(target.parent)
        return True

    def adopts(self, source: Path) -> bool:
        """Tell whether the local path lies on this folder's file system."""
        existing = self.root
        while not existing.exists():
            existing = existing.parent
        return source.lstat().st_dev == existing.stat().st_dev

    def adopt(self, source: Path, path: str) -> bool:
        """Rename a file into the store, unless it has other names: writing through one would change the store."""
        status = source.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
            return False
        place = self._place(path)
        with storage_errors(f"move to {path!r}", self.root):
            make_folder(place.parent)
            if self.durable:
                sync(source)
            return self._rename(source, place)

    def copy(self, source: str, target: str, *, overwrite: bool = True) -> FileInfo:
        """Copy a file within the folder; the kernel shares the blocks where it can."""
        self.stat(source)
        return self.write(target, self._place(source), overwrite=overwrite)

    def make_folder(self, path: str) -> None:
        """Make a folder, and those above it."""
        with storage_errors(f"folder {path!r}", self.root):
            make_folder(self._place(path, root=True))

    def delete(self, path: str, *, recursive: bool = False) -> None:
        """Delete a file, or with `recursive` a folder as well; a link is deleted, never what it points to."""
        place = self._place(path)
        with storage_errors(f"deletion of {path!r}", self.root), suppress(FileNotFoundError):
            if recursive and place.is_dir() and not place.is_symlink():
                shutil.rmtree(place)
            else:
                place.unlink()

    def _place(self, path: str, *, root: bool = False) -> Path:
        normal = normalise_path(path)
        if not normal and not root:
            raise UserErrorException(f"path {path!r}: names the datastore's root, where a file was expected")
        place = self.root / normal
        if not self._is_inside(os.path.realpath(place)):
            raise UserErrorException(f"path {path!r}: a link in it leads out of the datastore {self.root}")
        return place

    def _is_inside(self, real: str) -> bool:
        return real == str(self.root) or real.startswith(f"{self.root}{os.sep}".replace("//", "/"))


def _info(path: str, status: os.stat_result) -> FileInfo:
    return FileInfo(path, status.st_size, _etag(status), datetime.fromtimestamp(status.st_mtime, tz=timezone.utc))


def _etag(status: os.stat_result) -> str:
    # The change time is what nobody can set back: content that was replaced under the old modification time shows.
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_ino}"
