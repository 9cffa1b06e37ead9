"""Files behind web addresses, from a server of our own."""

import http.server
import threading

import pytest

from airflow_ml.exceptions import DatasetNotFoundError, NotSupportedError, ServiceException
from airflow_ml.storage.datasets import resolve, stage_dataset
from airflow_ml.storage.web import WebStore

ANSWERS = {
    "/data/my%20table.csv": (200, {"ETag": '"v1"'}, b"a,b\n1,2\n"),
    "/plain": (200, {}, b"x"),
    "/cut": (200, {"Content-Length": "100"}, b"short"),
    "/denied": (403, {}, b""),
    "/to-file": (302, {"Location": "file:///etc/passwd"}, b""),
    "/to-plain": (302, {"Location": "/plain"}, b""),
}


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, headers, body = ANSWERS.get(self.path.partition("?")[0], (404, {}, b""))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - the base class's names

    def log_message(self, *arguments):
        """Keep the tests' output clean."""


@pytest.fixture(scope="module")
def server():
    """The address of a server with the answers above."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()


def define(url):
    """Return the definition of a dataset over one address."""
    return {"kind": "file", "sources": [{"url": url}]}


@pytest.mark.parametrize("mode", ["mount", "download"])
def test_a_web_file_is_a_single_file(server, tmp_path, cache, mode):
    """It keeps its decoded name, and the script gets its path."""
    staged = stage_dataset(define(f"{server}/data/my%20table.csv"), {}.__getitem__, tmp_path / "x", mode, cache)

    assert staged.path == tmp_path / "x/my table.csv"
    assert staged.path.read_text() == "a,b\n1,2\n"


def test_size_and_etag_come_from_the_server(server):
    """Without an ETag there is nothing that would tell a change."""
    files = [resolve(define(f"{server}{path}"), {}.__getitem__).files[0] for path in ("/data/my%20table.csv", "/plain")]

    assert [(file.size, file.etag) for file in files] == [(8, '"v1"'), (1, "")]


def test_a_file_without_identity_is_mounted_without_the_cache(server, tmp_path, cache):
    """What cannot be recognised again is not kept."""
    staged = stage_dataset(define(f"{server}/to-plain"), {}.__getitem__, tmp_path / "x", "mount", cache)

    assert staged.path.read_text() == "x"
    assert not cache.exists()


def test_a_missing_web_file_is_a_dataset_not_found(server):
    """404 names the address and not its query, where tokens stand."""
    with pytest.raises(DatasetNotFoundError, match=r"/gone': the server says 404") as error:
        resolve(define(f"{server}/gone?sig=s3cret"), {}.__getitem__)
    assert "s3cret" not in str(error.value)


def test_a_cut_download_is_an_error_and_leaves_nothing(server, tmp_path):
    """Fewer bytes than announced are never a file."""
    with pytest.raises(ServiceException, match="cut after 5 of 100 bytes"):
        WebStore().get(f"{server}/cut", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_a_refusing_or_absent_server_is_told(server):
    """403 and a closed port are errors of the service with the address."""
    with pytest.raises(ServiceException, match="/denied': the server says 403"):
        resolve(define(f"{server}/denied"), {}.__getitem__)
    with pytest.raises(ServiceException, match=r"http://127.0.0.1:1/x': cannot be reached"):
        resolve(define("http://user:pass@127.0.0.1:1/x"), {}.__getitem__)


def test_a_redirect_cannot_lead_to_local_files(server):
    """A server must not make us read this machine's files."""
    with pytest.raises((NotSupportedError, ServiceException), match=r"redirect|Redirection|302"):
        WebStore().open_read(f"{server}/to-file")
