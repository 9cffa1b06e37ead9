"""
Connections to web servers that go where the rules allow (`airflow_ml.storage.web_access`), and end in time.

A server that sends a byte now and then would keep a worker for ever, in an answer's head as in its body; so each read
waits no longer than what is left of the time that a file may take, over all redirects.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
import urllib.request
from email.message import Message
from typing import IO, TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.storage.web_access import WebAccess

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["Deadline", "build_opener", "limit_passed", "open_address"]

_SCHEMES = ("http", "https")

_PORTS = {"http": 80, "https": 443}


def limit_passed(shown: str, problem: str) -> UserErrorException:
    """Return the error of a file that has, or takes, more than is allowed."""
    return UserErrorException(
        f"address {shown!r}: {problem}; allow more by Workspace.allow_web_hosts(..., max_bytes=, max_seconds=), or "
        "bring the file to a datastore"
    )


class Deadline:
    """
    When a file must have come; its time begins now.

    Args:
        seconds: that are allowed.
        shown: the address as errors show it.
    """

    def __init__(self, seconds: float, shown: str) -> None:
        self._seconds, self._shown = seconds, shown
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds that are left; raises UserErrorException when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise limit_passed(self._shown, f"takes more than the {self._seconds:g} seconds that are allowed")
        return left


class _Request(urllib.request.Request):
    deadline: Deadline


def open_address(
    opener: urllib.request.OpenerDirector, url: str, method: str, *, timeout: float, deadline: Deadline
) -> http.client.HTTPResponse:
    """Send a request for an http or https address, and return the answer when its head is there."""
    request = _Request(url, method=method)
    request.deadline = deadline
    return cast(http.client.HTTPResponse, opener.open(request, timeout=min(timeout, deadline.left())))


def build_opener(access: WebAccess) -> urllib.request.OpenerDirector:
    """
    Return what opens web addresses under these rules.

    Proxies of the environment are used, as everywhere in Python. Then the proxy looks names up and connects; hosts are
    judged by their names, and by their addresses where this machine can tell them.
    """
    return urllib.request.build_opener(_Redirects(access), _Http(access), _Https(access))


class _Redirects(urllib.request.HTTPRedirectHandler):
    def __init__(self, access: WebAccess) -> None:
        self._access = access

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        parts = urlsplit(newurl)
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise NotSupportedError(f"redirects to {shown!r}, which is not in the web")
        self._access.check_host(parts.hostname, shown)
        made = super().redirect_request(req, fp, code, msg, cast(http.client.HTTPMessage, headers), newurl)
        if made is not None:
            cast(_Request, made).deadline = cast(_Request, req).deadline
        return made


class _Connection(http.client.HTTPConnection):
    access: WebAccess
    deadline: Deadline
    is_proxy: bool

    def connect(self) -> None:
        self.sock = cast(socket.socket, _TimedSocket(_connected(self), self.timeout, self.deadline))


class _SecureConnection(http.client.HTTPSConnection):
    access: WebAccess
    deadline: Deadline
    is_proxy: bool

    def connect(self) -> None:
        plain = _connected(self)
        tunnel = cast("str | None", getattr(self, "_tunnel_host", None))
        self.sock = plain
        if tunnel:
            cast(Any, self)._tunnel()
        context = ssl.create_default_context()
        secure = context.wrap_socket(plain, server_hostname=tunnel or self.host)
        self.sock = cast(socket.socket, _TimedSocket(secure, self.timeout, self.deadline))


def _connected(connection: _Connection | _SecureConnection) -> socket.socket:
    if connection.is_proxy:
        return socket.create_connection((connection.host, connection.port), connection.timeout)
    return connection.access.connect(connection.host, connection.port, connection.timeout)


class _TimedSocket:
    """A socket each read of which ends with the deadline."""

    def __init__(self, opened: socket.socket, timeout: float | None, deadline: Deadline) -> None:
        self._opened, self._timeout, self._deadline = opened, timeout, deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        """Open it for reading, as `http.client` does."""
        raw = self._opened.makefile(cast(Any, mode), buffering=0)
        return io.BufferedReader(_TimedReads(raw, self._opened, self._timeout, self._deadline))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._opened, name)


class _TimedReads(io.RawIOBase):
    """What comes from a socket."""

    def __init__(self, raw: Any, opened: socket.socket, timeout: float | None, deadline: Deadline) -> None:
        super().__init__()
        self._raw, self._opened, self._timeout, self._deadline = raw, opened, timeout, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int | None:
        left = self._deadline.left()
        self._opened.settimeout(left if self._timeout is None else min(left, self._timeout))
        try:
            return cast("int | None", self._raw.readinto(buffer))
        except TimeoutError:
            self._deadline.left()
            raise

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Http(urllib.request.HTTPHandler):
    def __init__(self, access: WebAccess) -> None:
        super().__init__()
        self._access = access

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_maker(_Connection, self._access, req), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, access: WebAccess) -> None:
        super().__init__()
        self._access = access

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_maker(_SecureConnection, self._access, req), req)


def _maker(kind: type[_Connection] | type[_SecureConnection], access: WebAccess, req: urllib.request.Request) -> Any:
    deadline = cast(_Request, req).deadline
    is_proxy = req.has_proxy() or getattr(req, "_tunnel_host", None) is not None
    if is_proxy:
        _check_behind_proxy(access, req.full_url)

    def make(host: str, **options: Any) -> http.client.HTTPConnection:
        made = kind(host, **options)
        made.access, made.deadline, made.is_proxy = access, deadline, is_proxy
        return made

    return make


def _check_behind_proxy(access: WebAccess, url: str) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        found = socket.getaddrinfo(host, parts.port or _PORTS[parts.scheme], type=socket.SOCK_STREAM)
    except OSError:  # behind a proxy names of outside are often unknown here
        return
    for *_, place in found:
        access.check_address(host, str(place[0]))
