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

    Accounts with a hierarchical name space list a folder's files right behind it, and have a mark for each folder:
    where there are marks, folder after folder is listed, in the order of the paths.

    Raises:
        UserErrorException: a name is no path: nothing could read that blob, and to leave it out would go unnoticed.
    """
    last = b""
    for page in _pages(blobs, prefix, delimiter=delimiter):
        if page.markers and not delimiter:
            # Pages before had none, so that what they had is the beginning of the order by paths as well.
            rest = (info for info in _walk(blobs, prefix) if not last or _service_order(info.path) > last)
            yield from (info for info in rest if _is_file(blobs, info.path))
            return
        yield from (info for info in page.files if _is_file(blobs, info.path))
        last = _service_order(page.files[-1].path) if page.files else last


def _service_order(path: str) -> bytes:
    return path.encode("utf-16-be", "surrogatepass")


def _walk(blobs: Blobs, prefix: str) -> Iterator[FileInfo]:
    found: dict[str, FileInfo | None] = {}
    for page in _pages(blobs, prefix, delimiter="/"):
        found |= dict.fromkeys([*page.folders, *(f"{name}/" for name in page.markers if not name.endswith("/"))])
        found |= {info.path: info for info in page.files}
    # The "/" behind a folder's name makes their order the order of the whole paths.
    for name in sorted(found):
        info = found[name]
        if info is None:
            yield from _walk(blobs, name)
        else:
            yield info


def _is_file(blobs: Blobs, name: str) -> bool:
    """Tell whether a blob is a file of the store; False for one on its way, an error for a name that is no path."""
    if TEMPORARY_PREFIX in name and f"/{TEMPORARY_PREFIX}" in f"/{name}":
        return False
    if normalise_path(name.lstrip("/")) != name:
        raise UserErrorException(
            blobs.client.where(
                f"blob {name!r}: its name has an empty or '.' element, which no path has; rename it, or use a folder "
                "that it is not in"
            )
        )
    return True


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
