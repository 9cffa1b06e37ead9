"""A proxy between a client and an HTTP server that does to requests and answers what networks and services do."""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__all__ = [
    "Answered",
    "CutDown",
    "CutUp",
    "FaultProxy",
    "Forgotten",
    "LostAnswer",
    "Passed",
    "Stalled",
    "running_proxy",
]


@dataclass(frozen=True)
class Passed:
    """
    A request as it came.

    Attributes:
        number: how many came before it.
    """

    number: int
    method: str
    target: str
    size: int


@dataclass(frozen=True)
class Answered:
    """The proxy answers itself, and the server is not asked."""

    status: int
    code: str = ""
    retry_after: str = ""


@dataclass(frozen=True)
class CutUp:
    """The connection is cut after so many bytes of the request's body."""

    after: int


@dataclass(frozen=True)
class CutDown:
    """The connection is cut after so many bytes of the answer's body."""

    after: int


class LostAnswer:
    """The server does it, and the connection is cut before anything comes back."""


class Forgotten:
    """The client is told that it was done, and it was not."""


class Stalled:
    """Nothing comes back, and the connection stays open until the proxy ends."""


class FaultProxy:
    """
    A proxy on a port of its own.

    Attributes:
        fault: asked about each request, one after the other, what shall happen to it; None lets it pass, and a function
            that is returned is called to decide, beside other requests.
        requests: that have come.
        up, down: bytes of bodies that have come through, cut ones in part.
    """

    def __init__(self, server_port: int) -> None:
        self.fault: Callable[[Passed], object] = lambda request: None
        self.requests: list[Passed] = []
        self.up = self.down = 0
        self._server_port = server_port
        self._lock = threading.Lock()
        self._ended = threading.Event()
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]

    def reset(self) -> None:
        """Let everything pass, and count anew."""
        self.fault = lambda request: None
        self.requests, self.up, self.down = [], 0, 0

    def start(self) -> None:
        """Begin to listen."""
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """End, and let go of those who wait."""
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()

    def note(self, method: str, target: str, size: int) -> object:
        """Take in a request and return its fault."""
        with self._lock:
            request = Passed(len(self.requests), method, target, size)
            self.requests.append(request)
            fault = self.fault(request)
        return fault() if callable(fault) else fault

    def count(self, *, up: int = 0, down: int = 0) -> None:
        """Count bytes."""
        with self._lock:
            self.up += up
            self.down += down

    def forward(self, method: str, target: str, headers: list[tuple[str, str]], body: bytes) -> tuple:
        """Ask the server, over a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self._server_port, timeout=60)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body or None)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    def wait_for_end(self) -> None:
        """Hold a request until the proxy ends."""
        self._ended.wait(60)


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    proxy: FaultProxy

    def log_message(self, *_args: object) -> None:
        """Say nothing."""

    def _any(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        fault = self.proxy.note(self.command, self.path, length)
        if isinstance(fault, CutUp):
            self.proxy.count(up=len(self.rfile.read(min(fault.after, length))))
            return self._cut()
        body = self.rfile.read(length)
        self.proxy.count(up=len(body))
        if len(body) < length:  # the client is gone
            return self._cut()
        if isinstance(fault, Stalled):
            self.proxy.wait_for_end()
            return self._cut()
        if isinstance(fault, Answered):
            headers = [("x-ms-error-code", fault.code)] * bool(fault.code)
            return self._answer(
                fault.status, [*headers, *[("Retry-After", fault.retry_after)] * bool(fault.retry_after)]
            )
        if isinstance(fault, Forgotten):
            dated = ("Last-Modified", "Wed, 25 Nov 2026 08:00:00 GMT")
            return self._answer(201, [("ETag", '"0x8FORGOTTEN"'), dated])
        status, headers, answer = self.proxy.forward(self.command, self.path, self.headers.items(), body)
        if isinstance(fault, LostAnswer):
            return self._cut()
        return self._answer(status, headers, answer, after=fault.after if isinstance(fault, CutDown) else None)

    do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _any  # noqa: N815 - the base class's names

    def _answer(
        self, status: int, headers: list[tuple[str, str]], body: bytes = b"", *, after: int | None = None
    ) -> None:
        self.send_response_only(status)
        told = {name.lower() for name, _ in headers}
        for name, value in headers:
            if name.lower() not in ("transfer-encoding", "connection", "keep-alive"):
                self.send_header(name, value)
        if "content-length" not in told:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        part = body if after is None else body[:after]
        with suppress(OSError):
            self.wfile.write(part)
            self.wfile.flush()
        self.proxy.count(down=len(part))
        if after is not None:
            self._cut()

    def _cut(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def running_proxy(server_port: int) -> Iterator[FaultProxy]:
    """Start a proxy before a server of this machine, and end it with the block."""
    proxy = FaultProxy(server_port)
    proxy.start()
    try:
        yield proxy
    finally:
        proxy.stop()
