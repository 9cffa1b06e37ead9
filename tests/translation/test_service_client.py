"""Requests to an Airflow."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from airflow_ml.translation.service_client import AirflowClient


class Counting(ThreadingHTTPServer):
    """Counts how many requests it answers at once; a request ends when another comes, or after a moment without."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.changed = threading.Condition()
        self.now = self.most = 0

    def meet(self) -> None:
        """Stay until another request is here too, or none has come for a moment."""
        with self.changed:
            self.now += 1
            self.most = max(self.most, self.now)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most > 1, timeout=0.3)
            self.now -= 1


class Answering(BaseHTTPRequestHandler):
    """Answers every request with an empty object."""

    server: Counting

    def do_GET(self) -> None:
        """Answer."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.meet()
        text = json.dumps({}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET  # noqa: N815 - the base looks for that name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Counting]:
    """A server that counts."""
    with Counting() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("method", "most"), [("POST", 1), ("GET", 2)])
def test_writers_take_turns(server, tmp_path, method, most):
    """Two requests that write never meet at an Airflow on SQLite, which they would block; readers may."""
    client = AirflowClient(f"http://127.0.0.1:{server.server_port}", write_lock=tmp_path / "lock")

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(lambda _: client.ask(method, "/x", {} if method == "POST" else None), range(2)))

    assert (answers, server.most) == ([{}, {}], most)
