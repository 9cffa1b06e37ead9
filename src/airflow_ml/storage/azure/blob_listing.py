"""Going through the blobs of a container: page after page, in the order that everything here compares by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

from airflow_ml.exceptions import UserErrorException
from airflow_ml.storage.azure.blobs import PAGE
from airflow_ml.storage.protocol import PRIVATE_FOLDER, TEMPORARY_PREFIX, FileInfo, normalise_path

if TYPE_CHECKING:
    from airflow_ml.storage.azure.blob_entries import Page
    from airflow_ml.storage.azure.blobs import Blobs

__all__ = ["delete_folder", "in_order", "is_ours", "listed_files"]

_DELETERS = 8


def listed_files(blobs: Blobs, prefix: str, *, delimiter: str = "") -> Iterator[FileInfo]:
    """
    Yield the blobs whose names begin with a prefix, in the service's order, without marks of folders.

    Raises:
        UserErrorException: a name is no path: nothing could read that blob, and to leave it out would go unnoticed.
    """
    for page in _pages(blobs, prefix, delimiter=delimiter):
        for info in page.files:
            if TEMPORARY_PREFIX in info.path and f"/{TEMPORARY_PREFIX}" in f"/{info.path}":
                continue
            if normalise_path(info.path.lstrip("/")) != info.path:
                raise UserErrorException(
                    blobs.client.where(
                        f"blob {info.path!r}: its name has an empty or '.' element, which no path has; rename it, or "
                        "use a folder that it is not in"
                    )
                )
            yield info


def _pages(blobs: Blobs, prefix: str, *, delimiter: str = "") -> Iterator[Page]:
    page = blobs.page(prefix, delimiter=delimiter, limit=PAGE)
    yield page
    while page.marker:
        page = blobs.page(prefix, delimiter=delimiter, limit=PAGE, marker=page.marker)
        yield page


def is_ours(path: str, *, asked_for: str) -> bool:
    """Tell whether a file is one of those that listings of the root do not show."""
    return not asked_for and path.startswith(f"{PRIVATE_FOLDER}/")


def in_order(infos: Iterable[FileInfo]) -> Iterator[FileInfo]:
    """
    Yield files in the order of their paths' code points.

    Services compare UTF-16 units, where characters beyond U+FFFF (emoji) come earlier: from the first of these on the
    rest is sorted here. Backslashes are stored as another character (`airflow_ml.storage.azure.blob_names`); with
    those, as many files as a page holds are sorted.

    Raises:
        UserErrorException: backslashes in a longer listing, out of their order; unsorted, files would be missed.
    """
    rest = iter(infos)
    first = list(islice(rest, PAGE))
    if any(map(_comes_early, first)):
        yield from sorted([*first, *rest], key=_path)
        return
    yield from sorted(first, key=_path)
    last = max(map(_path, first), default="")
    for info in rest:
        if _comes_early(info):
            yield from sorted([info, *rest], key=_path)
            return
        if info.path < last:
            raise UserErrorException(
                f"path {info.path!r}: is out of its order in a listing of more than {PAGE:,} files, because of the "
                "backslash; put such files into a folder of their own"
            )
        last = info.path
        yield info


def _comes_early(info: FileInfo) -> bool:
    return not info.path.isascii() and max(info.path) > "\uffff"


def _path(info: FileInfo) -> str:
    return info.path


def delete_folder(blobs: Blobs, folder: str) -> None:
    """Delete all blobs whose names begin with `folder/`, and then the marks of the folders, from below."""
    markers: list[str] = []
    with ThreadPoolExecutor(_DELETERS, thread_name_prefix="blob-delete") as pool:
        for page in _pages(blobs, f"{folder}/"):
            markers += page.markers
            # Their results raise what went wrong.
            for _ in pool.map(blobs.delete, [info.path for info in page.files]):
                pass
    for name in sorted(markers, reverse=True):
        blobs.delete(name)
