"""The operator's end of the request channel; what is answered is decided by the handlers it is given."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

from airflow_ml.runtime.channel import with_short_path
from airflow_ml.runtime.protocol import VERSION, ProtocolError

__all__ = ["ChannelServer", "Handler"]

#: Answers one method: gets the request's params, returns what JSON can say, or raises.
Handler = Callable[[Mapping[str, Any]], Any]

_LONGEST_REQUEST = 64 << 20


class ChannelServer:
    """
    Answers a step's requests from threads of this process, one per connection, while it is entered.

    A request that cannot be understood is answered by an error and ends its connection; a client that dies ends its
    own. A handler's exception is the answer to the one request. Handlers are called from several threads at once.

    Args:
        path: where the socket is made; its folder must exist, and a socket that is left there is replaced.
        handlers: by method name.
    """

    def __init__(self, path: str | os.PathLike[str], handlers: Mapping[str, Handler]) -> None:
        self._path = os.fspath(path)
        self._handlers = dict(handlers)
        self._listener: socket.socket | None = None
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        self._made: int | None = None

    def __enter__(self) -> ChannelServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Make the socket and begin to answer; raises OSError where no socket can be made."""
        if os.path.lexists(self._path):
            os.unlink(self._path)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with_short_path(self._path, listener.bind)
            listener.listen(16)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        self._made = os.stat(self._path).st_ino
        threading.Thread(target=self._accept, args=(listener,), name="step-channel", daemon=True).start()

    def close(self) -> None:
        """
        Hang up on everybody and remove the socket; does nothing the second time.

        A handler that is still working is given 5 seconds; its answer goes nowhere.
        """
        listener, self._listener = self._listener, None
        if listener is None:
            return
        _hang_up(listener)
        with self._lock:
            open_now = dict(self._open)
        for connection, thread in open_now.items():
            _hang_up(connection, close=False)
            thread.join(timeout=5)
        # A successor may have put its own socket there already.
        if os.path.lexists(self._path) and os.stat(self._path).st_ino == self._made:
            os.unlink(self._path)

    def _accept(self, listener: socket.socket) -> None:
        while self._listener is listener:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), name="step-request", daemon=True)
            with self._lock:
                self._open[connection] = thread
            thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection.makefile("rb") as requests:
                while True:
                    line = requests.readline(_LONGEST_REQUEST)
                    if not line.endswith(b"\n"):
                        break
                    answer, go_on = self._answer(line)
                    connection.sendall(json.dumps(answer).encode() + b"\n")
                    if not go_on:
                        break
        except OSError:
            pass  # the script's process is gone, and with it who would want to know
        finally:
            with self._lock:
                self._open.pop(connection, None)
            _hang_up(connection)

    def _answer(self, line: bytes) -> tuple[dict[str, Any], bool]:
        number = None
        try:
            request = _parse(line)
            number = request.get("id")
            result = self._handler(request)(request.get("params") or {})
            json.dumps(result)
        except ProtocolError as exc:
            return _failure(number, exc), False
        except Exception as exc:  # noqa: BLE001 - the border: a handler's failure is the script's answer
            return _failure(number, exc), True
        return {"id": number, "result": result}, True

    def _handler(self, request: Mapping[str, Any]) -> Handler:
        handler = self._handlers.get(str(request.get("method")))
        if handler is None:
            raise ProtocolError(
                f"channel: method {request.get('method')!r} is not known to the operator, which speaks step protocol "
                f"{VERSION}; the step's library speaks protocol {request.get('v')!r}"
            )
        return handler


def _parse(line: bytes) -> dict[str, Any]:
    try:
        request = json.loads(line)
    except ValueError as exc:
        raise ProtocolError(f"channel: a request was not JSON ({exc}); step protocol {VERSION} needs it") from exc
    if not isinstance(request, dict):
        raise ProtocolError(f"channel: a request was {type(request).__name__}, step protocol {VERSION} sends objects")
    return request


def _failure(number: object, exc: Exception) -> dict[str, Any]:
    return {"id": number, "error": {"type": type(exc).__name__, "message": str(exc)}}


def _hang_up(connection: socket.socket, *, close: bool = True) -> None:
    with contextlib.suppress(OSError):
        # Closing alone would not wake a thread that waits in accept or recv.
        connection.shutdown(socket.SHUT_RDWR)
    if close:
        connection.close()
