"""
Folders and patterns in public Azure Blob containers: the one kind of web address that can be listed.

The v1 SDK took such addresses for datasets, and its notebooks' sample data lies there. A container that allows it, or a
token in the address (`?sv=...&sig=...`), is all that is needed: nothing of Azure's packages.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timezone
from email.utils import parsedate_to_datetime
from typing import BinaryIO
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from airflow_ml.exceptions import ServiceException
from airflow_ml.storage.protocol import FileInfo, normalise_path
from airflow_ml.storage.selection import glob_matcher, glob_root, is_glob
from airflow_ml.storage.web import md5_digest

__all__ = ["HOSTS", "BlobFolder", "is_blob_address"]

#: How the names of Azure's blob servers end, in its public clouds.
HOSTS = (".blob.core.windows.net", ".blob.core.usgovcloudapi.net", ".blob.core.chinacloudapi.cn")

#: Of 5,000 blobs with the longest names, and more, in bytes.
_LARGEST_PAGE = 64 << 20

_DOCTYPE = re.compile(rb"<!DOCTYPE", re.IGNORECASE)


def is_blob_address(url: str) -> bool:
    """Tell whether a web address is one of Azure's blob servers."""
    return (urlsplit(url).hostname or "").endswith(HOSTS)


@dataclass(frozen=True)
class BlobFolder:
    """
    What an address stands for that is no blob itself: all blobs below a folder, or those that match a pattern.

    Attributes:
        server: `https://account.blob.core.windows.net`, without a path.
        pattern: the rest of the address, decoded: a folder, or with `*` and `**`.
        token: the address's query.
    """

    server: str
    container: str
    pattern: str
    token: str

    @classmethod
    def of(cls, url: str) -> BlobFolder:
        """Take an address apart."""
        parts = urlsplit(url)
        container, _, rest = unquote(parts.path).strip("/").partition("/")
        return cls(urlunsplit((parts.scheme, parts.netloc, "", "", "")), container, normalise_path(rest), parts.query)

    @property
    def path(self) -> str:
        """The deepest folder that holds all of it, the container included."""
        return f"{self.container}/{self._folder}".rstrip("/")

    @property
    def _folder(self) -> str:
        return glob_root(self.pattern) if is_glob(self.pattern) else self.pattern

    def list(self, open_read: Callable[[str], BinaryIO]) -> Iterator[FileInfo]:
        """
        Yield the blobs in the order of their names; their paths are whole addresses.

        Args:
            open_read: opens an address for reading.

        Raises:
            FileNotFoundError: the server knows no such container, or does not let it be listed.
            ServiceException: the server cannot be reached or does not answer like a blob server.
        """
        matches = glob_matcher(self.pattern) if is_glob(self.pattern) else None
        marker = ""
        while True:
            page = self._page(open_read, marker)
            for blob in page.iterfind("Blobs/Blob"):
                name = blob.findtext("Name", "")
                if not _is_folder(blob) and (matches is None or matches(name)):
                    yield self._info(name, blob)
            marker = page.findtext("NextMarker", "")
            if not marker:
                return

    def _page(self, open_read: Callable[[str], BinaryIO], marker: str) -> ElementTree.Element:
        asked = {"restype": "container", "comp": "list", "prefix": f"{self._folder}/" if self._folder else ""}
        query = urlencode({**asked, "marker": marker} if marker else asked)
        address = f"{self.server}/{quote(self.container)}"
        with open_read(f"{address}?{query}{'&' if self.token else ''}{self.token}") as answer:
            text = answer.read(_LARGEST_PAGE + 1)
        if len(text) > _LARGEST_PAGE:
            raise ServiceException(f"address {address!r}: the answer is longer than any page of a listing")
        try:
            if _DOCTYPE.search(text):
                raise ElementTree.ParseError("it declares a document type")
            return ElementTree.fromstring(text)  # noqa: S314 - without a DOCTYPE there are no entities to expand
        except ElementTree.ParseError as exc:
            raise ServiceException(f"address {address!r}: the answer is no listing of a container: {exc}") from exc

    def _info(self, name: str, blob: ElementTree.Element) -> FileInfo:
        address = f"{self.server}/{quote(self.container)}/{quote(name)}"
        # The server gives it in quotes with the blob itself.
        etag = blob.findtext("Properties/Etag", "").strip('"')
        return FileInfo(
            f"{address}?{self.token}" if self.token else address,
            int(blob.findtext("Properties/Content-Length", "-1")),
            f'"{etag}"' if etag else "",
            parsedate_to_datetime(blob.findtext("Properties/Last-Modified", "")).astimezone(timezone.utc),
            md5_digest(blob.findtext("Properties/Content-MD5", "")),
        )


def _is_folder(blob: ElementTree.Element) -> bool:
    """Whether an entry only stands for a folder, as servers with a hierarchical name space have them."""
    return blob.findtext("Properties/ResourceType") == "directory" or blob.findtext("Name", "").endswith("/")
