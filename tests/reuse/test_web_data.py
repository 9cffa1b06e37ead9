"""What data on the web is compared by."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import DatasetSource
from airflow_ml.reuse.listings import read_listing


@pytest.fixture
def web(monkeypatch):
    """Serve answers with the headers that a test gives, and yield headers and address."""
    monkeypatch.setenv("AIRFLOW_ML_WEB_HOSTS", "127.0.0.1")
    headers = {}

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.send_response(200)
            for name, text in headers.items():
                self.send_header(name, text)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield headers, f"http://127.0.0.1:{server.server_port}/folder/a.csv"
    server.shutdown()
    server.server_close()
    thread.join()


def of_web(address):
    """Return a dataset of a web address."""
    return DatasetSource(definition={"kind": "file", "sources": [{"url": address}]})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"ETag": '"1"', "Content-Length": "3"}, {"ETag": '"2"', "Content-Length": "3"}),
        ({"ETag": '"1"'}, {"ETag": '"2"'}),
        ({"Last-Modified": "Mon, 06 Jul 2026 08:00:00 GMT"}, {"Last-Modified": "Mon, 06 Jul 2026 08:00:01 GMT"}),
        ({"Content-MD5": "A" * 22 + "=="}, {"Content-MD5": "B" * 21 + "A=="}),
    ],
)
def test_web_files(web, value, one, other):
    """A file of the web counts by what its server says, without being read."""
    headers, address = web
    found = []
    for answer in (one, other, one):
        headers.clear()
        headers.update(answer)
        found.append(value(of_web(address)))

    assert found[0] == found[2] != found[1]


def test_a_web_file_that_says_nothing(web, value):
    """A file whose server does not tell whether it changed cannot be compared, and the error says why."""
    with pytest.raises(UserErrorException, match=r"input 'raw': the server of 'http://127.*/a.csv' gives neither"):
        value(of_web(web[1]))


@pytest.mark.parametrize("rule", ["content", "definition"])
@pytest.mark.parametrize("mode", ["mount", "direct"])
def test_a_renewed_signature(context, web, identity, rule, mode):
    """A signature in an address counts nowhere and is recorded nowhere."""
    headers, address = web
    headers.update({"ETag": '"1"', "Content-Length": "3"})
    addresses = [f"{address}?sv=1&se={end}&sig=secret-{end}" for end in ("one", "two")]

    found = [identity(of_web(text), rule=rule, mode=mode) for text in addresses]

    assert found[0] == found[1]
    listing = found[0].note and list(read_listing(context, found[0].note["listing"]))
    assert not any(word in str((found, listing)) for word in ("secret", "sig="))


def test_other_parameters_of_an_address(web, value):
    """What else stands behind the question mark tells files apart."""
    sources = [of_web(f"{web[1]}?file={number}") for number in (1, 2)]

    assert value(sources[0], rule="definition") != value(sources[1], rule="definition")
    assert "file=" not in str(value(sources[0], rule="definition"))
