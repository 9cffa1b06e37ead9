"""
Lists of the files behind a step's inputs, kept so that an explanation can say which files changed.

A list is named by the digest that the files' identity is, so equal data has one list. It lies on this machine, and for
results that are recorded in the workspace's store of artifacts as well; missing ones only make explanations shorter.
"""

from __future__ import annotations

import gzip
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple, cast

from airflow_ml.exceptions import AzureMLException
from airflow_ml.storage.files import replacing
from airflow_ml.storage.protocol import PRIVATE_FOLDER

if TYPE_CHECKING:
    from airflow_ml.reuse.model import ReuseContext

__all__ = ["MOST_FILES", "ListedFile", "ListingWriter", "listing_path", "read_listing"]

_log = logging.getLogger(__name__)

#: Longer lists are not kept: comparing them would cost more than it tells.
MOST_FILES = 250_000

#: So many lists stay on a machine.
_MOST_LISTINGS = 500

#: Lists up to this size are not written to a disk while they are taken.
_IN_MEMORY = 4 << 20


class ListedFile(NamedTuple):
    """One file of an input: its path inside the input, its size in bytes, and what its content is compared by."""

    path: str
    size: int
    digest: str


def listing_path(digest: str) -> str:
    """Return where a list lies in the store of artifacts."""
    return f"{PRIVATE_FOLDER}/listings/{digest}.json.gz"


def read_listing(context: ReuseContext, digest: str) -> Iterator[ListedFile] | None:
    """Return the files of a list, in the order of their paths inside the input, or None if the list is not there."""
    with suppress(OSError):
        return _files(_local_place(context, digest).open("rb"))
    try:
        return _files(cast("IO[bytes]", context.artifacts.open_read(listing_path(digest))))
    except (FileNotFoundError, AzureMLException) as error:
        _log.debug("list %s of an input's files cannot be read: %s", digest, error)
        return None


def _files(stream: IO[bytes]) -> Iterator[ListedFile]:
    with stream, gzip.open(stream, "rt", encoding="ascii") as text:
        for line in text:
            path, size, digest = json.loads(line)
            yield ListedFile(path, size, digest)


class ListingWriter:
    """
    Takes a list while the files are gone through; nothing of it stays unless `keep` is called.

    Args:
        is_shared: keep it in the workspace as well.
    """

    def __init__(self, context: ReuseContext, *, is_shared: bool) -> None:
        self._context = context
        self._is_shared = is_shared
        self._count = 0
        self._last = ""
        self._is_sorted = True
        # Most lists are there already, which is known when the last file was seen: none is compressed before.
        self._lines = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed at the exit

    def __enter__(self) -> ListingWriter:
        return self

    def __exit__(self, *_error: object) -> None:
        self._lines.close()

    def add(self, path: str, line: bytes) -> None:
        """Add a file by its path and the line of its record."""
        self._count += 1
        self._is_sorted = self._is_sorted and path > self._last
        self._last = path
        if self._count <= MOST_FILES:
            self._lines.write(line)

    def keep(self, digest: str) -> str | None:
        """Keep the list under this digest, which is returned; None if it is too long or cannot be written."""
        if self._count > MOST_FILES:
            return None
        place = _local_place(self._context, digest)
        try:
            if place.exists():
                os.utime(place)
            else:
                self._write(place)
            path = listing_path(digest)
            if self._is_shared and not self._context.artifacts.exists(path):
                self._context.artifacts.write(path, place)
        except (OSError, AzureMLException) as error:
            _log.warning("the list of an input's files cannot be kept: %s; explanations will be shorter", error)
            return None
        return digest

    def _write(self, place: Path) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        self._lines.seek(0)
        with replacing(place) as stream, gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=1, mtime=0) as packed:
            if self._is_sorted:
                shutil.copyfileobj(self._lines, packed)
            else:  # several sources, each in its own order
                lines: list[bytes] = sorted(self._lines, key=_path_of)
                packed.writelines(lines)
        _forget_old(place.parent)


def _path_of(line: bytes) -> str:
    return str(json.loads(line)[0])


def _folder(context: ReuseContext) -> Path:
    return context.home.cache / "listings"


def _local_place(context: ReuseContext, digest: str) -> Path:
    return _folder(context) / f"{digest}.json.gz"


def _forget_old(folder: Path) -> None:
    """Remove the lists that were written or found again the longest time ago."""
    with os.scandir(folder) as scan:
        names = [entry.name for entry in scan]
    if len(names) <= _MOST_LISTINGS:
        return
    places = [folder / name for name in names]
    with suppress(OSError):
        places.sort(key=lambda place: place.stat().st_mtime)
        for place in places[: len(places) - _MOST_LISTINGS]:
            place.unlink()
