"""
Requests to one server over connections that are kept.

Plain HTTP of the standard library: a request costs a fifth of what it costs in the SDK, and every name goes as it is.

Nothing is tried again here, and no answer is an error: both are for `airflow_ml.storage.azure.client`.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import getproxies, proxy_bypass

from airflow_ml.exceptions import UserErrorException
from airflow_ml.storage.retrying import TransientError

if TYPE_CHECKING:
    from airflow_ml.storage.azure.addresses import StorageAddress

__all__ = ["Answer", "Request", "Sink", "Wire"]

#: Seconds in which a server must take a connection.
CONNECT_SECONDS = 15.0

#: Seconds without a byte after which a request counts as lost.
STALL_SECONDS = 60.0

#: The lowest status that is no success.
_FIRST_REFUSAL = 300

#: Bytes of an answer that are handed on at a time: few enough to stay in the processor's cache on their way.
_PIECE = 256 << 10

#: Takes the bytes of an answer as they come, with their position in it; a second try begins again at 0. An OSError of
#: its own would be taken for the connection's.
Sink: TypeAlias = Callable[[int, memoryview], object]


@dataclass(frozen=True, repr=False)
class Request:
    """
    One request; has no printable form, because what opens the container is in it.

    Attributes:
        path: encoded, as it is sent.
        query: decoded.
        headers: with names in lower case.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | memoryview = b""

    @property
    def target(self) -> str:
        """What stands in the request's first line; may hold a token, so it never gets into a text."""
        return f"{self.path}?{urlencode(self.query, quote_via=quote)}" if self.query else self.path


@dataclass(frozen=True)
class Answer:
    """What came back: the names of headers are in lower case, and the body is whole, or went into a sink."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header; "" if it is not there."""
        return self.headers.get(name, "")


class Wire:
    """
    Connections to one server; safe to use from several threads, and after a fork.

    Args:
        address: whose host is meant.
        stall: seconds without a byte after which a request counts as lost.
    """

    def __init__(self, address: StorageAddress, *, stall: float = STALL_SECONDS) -> None:
        self._address = address
        self._stall = stall
        self._lock = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []
        self._owner = os.getpid()
        self._context: ssl.SSLContext | None = None

    def exchange(self, request: Request, sink: Sink | None = None) -> Answer:
        """
        Send a request and read the answer.

        Args:
            request: complete.
            sink: gets the body of an answer that is the range that was asked for.

        Raises:
            UserErrorException: the server is not who it says.
            TransientError: the connection failed, stalled or was cut; at once worth another try if it was an old one,
                which the server may have closed meanwhile.
        """
        connection, is_old = self._take()
        try:
            if connection.sock is None:
                self._connect(connection)
            is_sent = _send(connection, request)
            response = connection.getresponse()
            if sink is not None and response.status == http.HTTPStatus.PARTIAL_CONTENT:
                body = _drained(response, sink)
            else:
                body = response.read()
            if not is_sent and response.status < _FIRST_REFUSAL:
                raise ConnectionResetError("the server has not taken the whole request")
        except ssl.SSLCertVerificationError as exc:
            connection.close()
            raise UserErrorException(
                f"{self._server} shows a certificate that this machine does not trust ({exc.verify_message}); name the "
                "authority's certificates in SSL_CERT_FILE"
            ) from exc
        except (OSError, http.client.HTTPException) as exc:
            connection.close()
            if is_old:
                self._drop_idle()
            what = f"{self._server} cannot be reached or cut the connection ({_reason(exc)})"
            raise TransientError(what, pause=0 if is_old else None) from exc
        except BaseException:
            connection.close()  # an answer half read would be taken for the next one's
            raise
        if response.will_close or not is_sent:
            connection.close()
        else:
            self._give(connection)
        return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)

    def _take(self) -> tuple[http.client.HTTPConnection, bool]:
        with self._lock:
            if self._owner != os.getpid():
                # The parent process talks over these.
                self._owner, self._idle = os.getpid(), []
            if self._idle:
                return self._idle.pop(), True
        return self._new(), False

    def _drop_idle(self) -> None:
        """Close what waits: the server has closed one, so probably all."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _give(self, connection: http.client.HTTPConnection) -> None:
        with self._lock:
            self._idle.append(connection)

    def _new(self) -> http.client.HTTPConnection:
        host, proxy = self._address.host, self._proxy()
        if self._address.scheme == "http":
            return http.client.HTTPConnection(host, timeout=CONNECT_SECONDS)
        if self._context is None:
            self._context = ssl.create_default_context()
        connection = http.client.HTTPSConnection(proxy or host, timeout=CONNECT_SECONDS, context=self._context)
        if proxy:
            connection.set_tunnel(host)
        return connection

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        connection.connect()
        connection.sock.settimeout(self._stall)

    @property
    def _server(self) -> str:
        return f"{self._address.scheme}://{self._address.host}"

    def _proxy(self) -> str:
        """Return host and port of the proxy that the environment names for this server (`HTTPS_PROXY`, `NO_PROXY`)."""
        if proxy_bypass(self._address.host):
            return ""
        named = getproxies().get(self._address.scheme, "")
        return urlsplit(named if "://" in named else f"http://{named}").netloc.rpartition("@")[2]


def _send(connection: http.client.HTTPConnection, request: Request) -> bool:
    """Send a request; False if the server stopped taking it, as servers do that refuse before they have all of it."""
    try:
        connection.request(request.method, request.target, body=request.body, headers=dict(request.headers))
    except (BrokenPipeError, ConnectionResetError):
        return False
    return True


def _drained(response: http.client.HTTPResponse, sink: Sink) -> bytes:
    """Hand a body to a sink in pieces, through one buffer that no other bytes of it ever lie beside."""
    expected, done, buffer = response.length, 0, memoryview(bytearray(_PIECE))
    while count := response.readinto(buffer):
        sink(done, buffer[:count])
        done += count
    if expected is not None and done != expected:
        raise http.client.IncompleteRead(b"", expected - done)
    return b""


def _reason(exc: Exception) -> str:
    if isinstance(exc, socket.gaierror):
        return "there is no server of that name; check account and endpoint"
    return (exc.strerror if isinstance(exc, OSError) and exc.strerror else str(exc)) or type(exc).__name__
