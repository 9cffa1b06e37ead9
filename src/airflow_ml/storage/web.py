"""
Files behind web addresses, as a store that can only be read.

The "path" of a file is its whole address. Errors never show the part after `?`, where signatures and tokens stand.
"""

from __future__ import annotations

import base64
import http.client
import io
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime, timezone
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn, cast
from urllib.parse import unquote, urlsplit

from airflow_ml.exceptions import NotSupportedError, ServiceException, UserErrorException
from airflow_ml.storage.files import replacing, storage_errors
from airflow_ml.storage.protocol import FileInfo, normalise_path
from airflow_ml.storage.web_access import WebAccess
from airflow_ml.storage.web_connections import Deadline, build_opener, limit_passed, open_address

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["WebStore", "host_and_path", "is_listed", "md5_digest", "shown"]

_TIMEOUT_SECONDS = 60.0
_BUFFER_BYTES = 1 << 20
_NO_HEAD = {403, 405, 501}
_SCHEMES = ("http", "https")


def host_and_path(url: str) -> tuple[str, str]:
    """
    Return host and decoded path of a web address.

    Raises:
        NotSupportedError: not http or https, or a folder or pattern: the web has no listing.
        UserErrorException: no host, or a path with `..`.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise NotSupportedError(f"address {shown(url)!r}: scheme {parts.scheme!r} is not one of {_SCHEMES}")
    if not parts.hostname:
        raise UserErrorException(f"address {shown(url)!r}: names no host")
    if is_listed(url):
        raise NotSupportedError(
            f"address {shown(url)!r}: is a folder or a pattern, and web servers have no listing, except containers of"
            " Azure Blob; name each file"
        )
    return parts.hostname, normalise_path(unquote(parts.path).lstrip("/"))


def is_listed(url: str) -> bool:
    """Tell whether an address needs a listing: it is a folder (ends with `/`) or a pattern."""
    path = unquote(urlsplit(url).path)
    return "*" in path or path.endswith("/") or not path


def shown(url: str) -> str:
    """Return an address as errors show it: without user, password and query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class WebStore:
    """
    The web, one file at a time.

    Args:
        access: which hosts may be read from, and how much.
        timeout: seconds without an answer or a byte until a server counts as lost.
    """

    def __init__(self, access: WebAccess, *, timeout: float = _TIMEOUT_SECONDS) -> None:
        self._access = access
        self._timeout = timeout
        self._opener = build_opener(access)

    @property
    def identity(self) -> str:
        """One text for all of the web: paths are whole addresses."""
        return "web"

    def stat(self, path: str) -> FileInfo:
        """Return what the server tells; size -1 and ETag "" where it tells nothing."""
        try:
            answer = self._open(path, "HEAD")
        except urllib.error.HTTPError as exc:
            if exc.code not in _NO_HEAD:
                raise _error(path, exc) from exc
            answer = self._get(path)
        with answer:
            return _info(path, answer.headers)

    def exists(self, path: str) -> bool:
        """Tell whether the server has the file."""
        try:
            self.stat(path)
        except FileNotFoundError:
            return False
        return True

    def is_folder(self, path: str) -> bool:  # noqa: ARG002 - the protocol's signature
        """The web knows no folders."""
        return False

    def list(self, folder: str = "", *, recursive: bool = True) -> Iterator[FileInfo]:  # noqa: ARG002 - as above
        """The web has no listing."""
        raise NotSupportedError(f"address {shown(folder)!r}: the web has no listing; name each file")

    def open_read(self, path: str) -> BinaryIO:
        """Open the server's answer for reading; reading more than is allowed raises UserErrorException."""
        return cast(BinaryIO, io.BufferedReader(_Limited(self._get(path), path, self._access.max_bytes), _BUFFER_BYTES))

    def get(self, path: str, target: Path, *, etag: str | None = None) -> None:
        """Copy one file to a local path; a shorter answer than announced is an error."""
        with self._get(path) as answer:
            info = _info(path, answer.headers)
            limited = _Limited(answer, path, self._access.max_bytes)
            if etag not in (None, info.etag):
                raise ServiceException(f"address {shown(path)!r}: the file was changed meanwhile; try again")
            where = f"download of {shown(path)!r} to {target}"
            with storage_errors(where, target.parent), replacing(target) as stream:
                while chunk := limited.read(_BUFFER_BYTES):
                    stream.write(chunk)

    def local_path(self, path: str) -> Path | None:  # noqa: ARG002 - as above
        """None: nothing of the web lies here."""
        return None

    def _get(self, url: str) -> http.client.HTTPResponse:
        try:
            return self._open(url, "GET")
        except urllib.error.HTTPError as exc:
            raise _error(url, exc) from exc

    def _open(self, url: str, method: str) -> http.client.HTTPResponse:
        self._access.check_host(host_and_path(url)[0], shown(url))
        deadline = Deadline(self._access.max_seconds, shown(url))
        try:
            return open_address(self._opener, url, method, timeout=self._timeout, deadline=deadline)
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as exc:
            reason = getattr(exc, "reason", exc)
            if isinstance(reason, UserErrorException):
                raise reason from exc
            raise ServiceException(f"address {shown(url)!r}: cannot be reached: {reason}") from exc


class _Limited(io.RawIOBase):
    """A server's answer, read no further than is allowed."""

    def __init__(self, answer: http.client.HTTPResponse, url: str, max_bytes: int) -> None:
        self._answer, self._shown, self._max_bytes = answer, shown(url), max_bytes
        self._left = max_bytes
        announced = answer.headers.get("Content-Length") or ""
        if announced.isdigit() and int(announced) > max_bytes:
            self._refuse(f"has {announced} bytes, more than the {max_bytes} that are allowed")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        with memoryview(buffer) as view:
            chunk = self._next(len(view))
            view[: len(chunk)] = chunk
        self._left -= len(chunk)
        if self._left < 0:
            self._refuse(f"has more than the {self._max_bytes} bytes that are allowed")
        return len(chunk)

    def _next(self, size: int) -> bytes:
        try:
            chunk = self._answer.read1(size)
        except (OSError, http.client.HTTPException) as exc:
            raise ServiceException(f"address {self._shown!r}: cut before its end ({exc!r}); try again") from exc
        if not chunk and self._answer.length:
            raise ServiceException(
                f"address {self._shown!r}: cut {self._answer.length} bytes before its end; try again"
            )
        return chunk

    def close(self) -> None:
        self._answer.close()
        super().close()

    def _refuse(self, problem: str) -> NoReturn:
        self._answer.close()
        raise limit_passed(self._shown, problem)


def _error(url: str, error: urllib.error.HTTPError) -> Exception:
    error.close()
    if error.code in (404, 410):
        return FileNotFoundError(f"address {shown(url)!r}: the server says {error.code} {error.reason}")
    return ServiceException(f"address {shown(url)!r}: the server says {error.code} {error.reason}")


def _info(url: str, headers: Message) -> FileInfo:
    length, changed = headers.get("Content-Length"), headers.get("Last-Modified")
    modified = datetime.fromtimestamp(0, tz=timezone.utc)
    if changed:
        try:
            modified = parsedate_to_datetime(changed).astimezone(timezone.utc)
        except ValueError:
            changed = None
    size = int(length) if length and length.isdigit() else -1
    # Without a size there is nothing to check a kept copy against.
    etag = (headers.get("ETag") or changed or "") if size >= 0 else ""
    return FileInfo(url, size, etag, modified, _digest(headers, changed, size))


def _digest(headers: Message, changed: str | None, size: int) -> str:
    """Return what a server says of the content: its MD5, or without a size what there is instead of the ETag."""
    known = md5_digest(headers.get("Content-MD5") or "")
    if known or size >= 0:
        return known
    return f"etag:{headers['ETag']}" if headers.get("ETag") else f"modified:{changed}" if changed else ""


def md5_digest(text: str) -> str:
    """Return the MD5 of a server's answer, which is base64, as stores write digests; "" where it is none."""
    try:
        digest = base64.b64decode(text, validate=True)
    except ValueError:
        return ""
    return f"md5:{digest.hex()}" if len(digest) == 16 else ""
