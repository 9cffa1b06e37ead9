"""What the Blob service says of a blob, in an answer's headers or in a listing, as a `FileInfo`."""

from __future__ import annotations

import base64
import binascii
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from functools import lru_cache
from urllib.parse import unquote

from airflow_ml.storage.azure.blob_names import decoded
from airflow_ml.storage.protocol import FileInfo

__all__ = ["FOLDER_MARK", "Page", "digest_metadata", "info_of_headers", "is_folder_mark", "parse_page"]

#: The metadata in which we note a blob's sha256, with its MD5, or its size where it has none (see `_digest`).
_DIGEST = "airflow_ml_digest"

#: The metadata by which tools without a hierarchical name space mark a folder.
_FOLDER_MARK = "hdi_isfolder"

#: The header that writes that metadata.
FOLDER_MARK = {f"x-ms-meta-{_FOLDER_MARK}": "true"}


@dataclass(frozen=True)
class Page:
    """
    A part of a listing.

    Attributes:
        marker: where the next part begins; "" behind the last one.
        markers: names of blobs that only stand for a folder.
        folders: what names begin with up to the delimiter, in a listing that has one.
    """

    files: tuple[FileInfo, ...]
    marker: str
    markers: tuple[str, ...]
    folders: tuple[str, ...] = ()


def digest_metadata(sha256: str, *, size: int, md5: str = "") -> dict[str, str]:
    """
    Return the header that notes a blob's sha256 in its metadata.

    Args:
        sha256: in hexadecimal digits.
        size: of the blob in bytes.
        md5: its Content-MD5, in base64; "" where it has none.
    """
    return {f"x-ms-meta-{_DIGEST}": f"{sha256} {md5 or size}"}


def info_of_headers(path: str, headers: Mapping[str, str], *, size: int | None = None) -> FileInfo:
    """Return what an answer's headers say; `size` replaces that of the answer's own body."""
    length = int(headers.get("content-length") or 0) if size is None else size
    digest = _digest(headers.get(f"x-ms-meta-{_DIGEST}") or "", _blob_md5(headers), length)
    return FileInfo(path, length, (headers.get("etag") or "").strip('"'), _moment(headers.get("last-modified")), digest)


def is_folder_mark(headers: Mapping[str, str]) -> bool:
    """Tell whether an answer is about something that only stands for a folder."""
    return headers.get("x-ms-resource-type") == "directory" or headers.get(f"x-ms-meta-{_FOLDER_MARK}") == "true"


def _blob_md5(headers: Mapping[str, str]) -> str:
    # In the answer to a range, Content-MD5 would be that of the range.
    return headers.get("x-ms-blob-content-md5") or headers.get("content-md5") or ""


def _digest(noted: str, md5: str, size: int) -> str:
    """
    Return the digest that can be trusted, as in `FileInfo.digest`.

    The service keeps metadata over an append of another tool: a note counts only beside the MD5 or size it is made for.
    """
    sha256, _, made_for = noted.partition(" ")
    if sha256 and made_for == (md5 or str(size)):
        return f"sha256:{sha256}"
    try:
        return f"md5:{base64.b64decode(md5, validate=True).hex()}" if md5 else ""
    except (binascii.Error, ValueError):  # whoever writes a blob may write anything there
        return ""


@lru_cache(maxsize=4096)
def _moment(text: str | None) -> datetime:
    return parsedate_to_datetime(text).astimezone(timezone.utc) if text else datetime.now(timezone.utc)


def parse_page(text: bytes) -> Page:
    """
    Read a part of a listing.

    Raises:
        ParseError: the text is none.
    """
    if b"<!DOCTYPE" in text[:1000].upper():
        raise ElementTree.ParseError("it declares a document type")
    root = ElementTree.fromstring(text)  # noqa: S314 - without a DOCTYPE there are no entities to expand
    files, markers = [], []
    for name, blob in _blobs(root):
        if _is_folder(name, blob):
            markers.append(name)
        else:
            files.append(_info(name, blob))
    folders = tuple(name for name, _ in _blobs(root, "BlobPrefix"))
    return Page(tuple(files), root.findtext("NextMarker") or "", tuple(markers), folders)


def _blobs(root: ElementTree.Element, kind: str = "Blob") -> Iterator[tuple[str, ElementTree.Element]]:
    for blob in root.iterfind(f"Blobs/{kind}"):
        name = blob.find("Name")
        if name is not None and name.text:
            # Names that XML cannot hold are encoded, and say so.
            yield decoded(unquote(name.text) if name.get("Encoded") == "true" else name.text), blob


def _is_folder(name: str, blob: ElementTree.Element) -> bool:
    if blob.findtext("Properties/ResourceType") == "directory" or _metadata(blob, _FOLDER_MARK) == "true":
        return True
    return name.endswith("/") and blob.findtext("Properties/Content-Length") == "0"


def _metadata(blob: ElementTree.Element, name: str) -> str:
    noted = blob.find("Metadata")
    if noted is None:
        return ""
    # Their case is the writer's.
    return next((item.text or "" for item in noted if item.tag.lower() == name), "")


def _info(name: str, blob: ElementTree.Element) -> FileInfo:
    properties = blob.find("Properties")
    if properties is None:
        raise ElementTree.ParseError(f"blob {name!r} has no properties")
    size = int(properties.findtext("Content-Length") or 0)
    return FileInfo(
        name,
        size,
        (properties.findtext("Etag") or "").strip('"'),
        _moment(properties.findtext("Last-Modified")),
        _digest(_metadata(blob, _DIGEST), properties.findtext("Content-MD5") or "", size),
    )
