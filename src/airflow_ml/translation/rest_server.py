"""
The REST endpoints of published pipelines where no service runs: this very process serves them.

The server is started when an endpoint is first asked for, listens on the loopback interface alone, and ends with the
process. Every request needs the token that this process made up and that its authentication objects hand out.
"""

from __future__ import annotations

import atexit
import hmac
import json
import logging
import os
import secrets
import socketserver
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from airflow_ml.exceptions import AzureMLException
from airflow_ml.registry import PublishedPipelineNotFoundError
from airflow_ml.translation.rest_description import description
from airflow_ml.translation.rest_paths import DESCRIPTION_PATH, read_target
from airflow_ml.translation.rest_runs import MAX_BODY, NOT_FOUND, error_answer, error_document, pipeline_of, start_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_ml.graph import Json, WorkspaceRef

__all__ = ["address_for", "stop", "token"]

logger = logging.getLogger(__name__)

#: Seconds that a client may be silent; it sits on the same machine.
_TIMEOUT = 30.0
#: Seconds between two looks of the server whether it shall end.
_POLL = 0.1


_UNAUTHORISED: tuple[int, dict[str, Json]] = (
    401,
    error_document(
        "Unauthorized", "send the header that get_authentication_header() gives in the process that serves this"
    ),
)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.token = secrets.token_urlsafe(32)
        self.workspaces: set[WorkspaceRef] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def server_bind(self) -> None:
        """Bind without the base's look-up of the machine's name, which may ask the network."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002 - the base's
        """Log what a handler raised, instead of printing it into somebody's notebook."""
        logger.debug("a request was broken off", exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _TIMEOUT
    server_version, sys_version = "airflow-ml", ""

    def do_POST(self) -> None:
        """Start a run."""
        self._reply(self._answer)

    def do_GET(self) -> None:
        """Give the description of what can be asked."""
        self._reply(self._describe)

    def _reply(self, answer: Callable[[], tuple[int, dict[str, Json]]]) -> None:
        try:
            status, document = answer()
        except Exception:
            logger.exception("a request could not be answered")
            status, document = 500, error_document("InternalError", "the log of this process says why")
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if status == 401:
            self.send_header("WWW-Authenticate", "Bearer")
        self.end_headers()
        self.wfile.write(text)

    def _answer(self) -> tuple[int, dict[str, Json]]:
        length = self.headers.get("Content-Length", "")
        # Read in any case: a connection that is closed over an unread body is reset, and the answer lost.
        body = self.rfile.read(int(length)) if length.isdecimal() and int(length) <= MAX_BODY else None
        if not self._has_token():
            return _UNAUTHORISED
        if not length.isdecimal():
            return 411, error_document("UserError", "send the body's Content-Length")
        if body is None:
            return 413, error_document("UserError", f"the body has {length} bytes, expected at most {MAX_BODY}")
        try:
            return 200, self._start(body)
        except AzureMLException as error:
            return error_answer(error)

    def _describe(self) -> tuple[int, dict[str, Json]]:
        if not self._has_token():
            return _UNAUTHORISED
        if self.path.partition("?")[0] != DESCRIPTION_PATH:
            return 404, error_document("NotFound", f"nothing is to be read at {self.path!r}")
        return 200, description("")

    def _has_token(self) -> bool:
        scheme, _, given = self.headers.get("Authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self.server.token.encode())

    def _start(self, body: bytes) -> dict[str, Json]:
        path, _, query = self.path.partition("?")
        target = read_target(path, query)
        refs = [ref for ref in self.server.workspaces if target is not None and ref.name == target.workspace]
        if target is None or not refs:
            raise PublishedPipelineNotFoundError(
                f"no published pipeline is at {self.path!r}; its `endpoint` says where"
            )
        for ref in refs[:-1]:
            with suppress(*NOT_FOUND):  # workspaces of several databases may share a name
                return start_run(ref, pipeline_of(ref, target), body)
        return start_run(refs[-1], pipeline_of(refs[-1], target), body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's
        """Log the request line; headers, and so the token, are never logged."""
        logger.debug(format, *args)


class _Running:
    """The server of this process, once there is one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.server: _Server | None = None

    def get(self) -> _Server:
        """Return the server, which is started when it is first needed."""
        with self.lock:
            if self.server is None:
                self.server = _Server()
                threading.Thread(
                    target=self.server.serve_forever, args=(_POLL,), name="airflow-ml REST", daemon=True
                ).start()
                logger.info("published pipelines are served at %s", self.server.url)
            return self.server

    def stop(self) -> None:
        """End the server, if there is one."""
        with self.lock:
            server, self.server = self.server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def forget(self) -> None:
        """Let go of the parent's server in a forked child, which has its socket but not its thread."""
        if self.server is not None:
            self.server.socket.close()
        self.server, self.lock = None, threading.Lock()  # the old one may be held in the parent


_running = _Running()
os.register_at_fork(after_in_child=_running.forget)
atexit.register(_running.stop)


def address_for(workspace: WorkspaceRef) -> str:
    """Return the address at which this process starts runs of what is published in the workspace."""
    server = _running.get()
    server.workspaces.add(workspace)
    return server.url


def token() -> str:
    """Return what opens the addresses of this process."""
    return _running.get().token


def stop() -> None:
    """End the server of this process; the next address is another one."""
    _running.stop()
