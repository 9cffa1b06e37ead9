"""
The script's end of the request channel.

Requests go over a Unix socket, one at a time per connection. Requests wait as long as the operator works on them;
an operator that is restarted (a worker was lost and its successor has found the step again) is waited for.
"""

from __future__ import annotations

import _thread
import os
import time

from airflow_ml import exceptions
from airflow_ml.exceptions import AzureMLException, ServiceException
from airflow_ml.runtime import lean_json
from airflow_ml.runtime.protocol import VERSION, ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from typing import Any

__all__ = ["PATIENCE_SECONDS", "Channel", "with_short_path"]

#: A script that is a process of the operator's machine ends with it: this is for an operator that is slow to listen.
PATIENCE_SECONDS = 30.0

# The kernel's limit for a socket's path is 108 bytes on Linux and 104 elsewhere, the closing zero included.
_LONGEST_PATH = 100


class Channel:
    """
    Asks the operator, from any thread and from forked processes.

    Args:
        path: the socket.
        patience: seconds to wait for an operator that is not listening. If it is longer than the usual, the script
            outlives its operator: a request that dies with one is then made again to the next.
    """

    def __init__(self, path: str, patience: float = PATIENCE_SECONDS) -> None:
        self._path = path
        self._patience = patience
        self._process: int | None = None
        self._lock = _thread.allocate_lock()
        self._socket: socket.socket | None = None
        self._count = 0

    def request(self, method: str, params: Mapping[str, Any]) -> Any:
        """
        Send one request and return its result.

        Raises:
            AzureMLException: what the operator answered, as the class of airflow_ml.exceptions that it named.
            ServiceException: nobody answered, or the error was of no class of ours.
        """
        if self._process != os.getpid():
            # A forked child must neither share the parent's conversation nor wait for a lock that nobody releases.
            self._process, self._lock, self._socket = os.getpid(), _thread.allocate_lock(), None
        with self._lock:
            self._count += 1
            message = {"v": VERSION, "id": self._count, "method": method, "params": params}
            answer = self._exchange(lean_json.dumps(message).encode() + b"\n", method)
        if "error" in answer:
            raise _error(answer["error"])
        return answer.get("result")

    def _exchange(self, line: bytes, method: str) -> dict[str, Any]:
        try:
            try:
                answer = self._ask_once(line)
            except ConnectionError:
                if self._patience <= PATIENCE_SECONDS:
                    raise
                self._close()
                answer = self._ask_once(line)
        except BaseException as exc:
            # Half a conversation (an interrupt too) must not be taken for the answer to the next request.
            self._close()
            if isinstance(exc, (OSError, ValueError)):
                raise ServiceException(f"{method}: the step's operator did not answer: {exc}", exc) from exc
            raise
        return answer

    def _ask_once(self, line: bytes) -> dict[str, Any]:
        connection = self._connected()
        connection.sendall(line)
        answer: dict[str, Any] = lean_json.loads(self._line(connection).decode())
        return answer

    def _connected(self) -> socket.socket:
        import socket  # costs 5 ms: most scripts never ask

        if self._socket is not None:
            try:
                self._socket.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
            except BlockingIOError:
                return self._socket
            except OSError:
                pass
            # Bytes or an end where nothing was asked: the operator has hung up since.
            self._close()
        self._socket = with_short_path(self._path, self._connect)
        return self._socket

    def _connect(self, address: str) -> socket.socket:
        import socket

        deadline = time.monotonic() + self._patience
        while True:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(address)
            except OSError:
                connection.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return connection

    def _line(self, connection: socket.socket) -> bytes:
        chunks: list[bytes] = []
        while not chunks or not chunks[-1].endswith(b"\n"):
            chunk = connection.recv(1 << 16)
            if not chunk:
                raise ConnectionResetError("the connection ended before the answer did")
            chunks.append(chunk)
        return b"".join(chunks)

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _error(described: Mapping[str, Any]) -> Exception:
    name, message = str(described.get("type")), str(described.get("message"))
    if name == ProtocolError.__name__:
        return ProtocolError(message)
    known = getattr(exceptions, name, None)
    if isinstance(known, type) and issubclass(known, AzureMLException):
        return known(message)
    return ServiceException(f"{name}: {message}")


def with_short_path(path: str, use: Callable[[str], Any]) -> Any:
    """
    Call `use` with an address for the socket at `path` that is short enough for the kernel, and return its result.

    The socket's folder must exist. Longer paths go through an open folder in /proc, and where there is none through a
    link that lives for the time of the call.
    """
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        return use(path)
    folder, name = os.path.split(path)
    if os.path.isdir("/proc/self/fd"):
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return use(f"/proc/self/fd/{opened}/{name}")
        finally:
            os.close(opened)
    link = os.path.join("/tmp", f"aml-{os.urandom(6).hex()}")  # noqa: S108 - random, and fails if it exists
    os.symlink(folder, link)
    try:
        return use(os.path.join(link, name))
    finally:
        os.unlink(link)
