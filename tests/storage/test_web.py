"""Files behind web addresses, from a server of our own."""

import http.server
import socket
import threading
from pathlib import Path

import pytest
from servers.web import WEB_ONLY

from airflow_ml.core import Workspace
from airflow_ml.exceptions import DatasetNotFoundError, NotSupportedError, ServiceException, UserErrorException
from airflow_ml.execution.stores import Stores
from airflow_ml.storage.datasets import resolve, stage_dataset
from airflow_ml.storage.web import WebStore
from airflow_ml.storage.web_access import WebAccess

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
    staged = stage_dataset(define(f"{server}/data/my%20table.csv"), WEB_ONLY, tmp_path / "x", mode, cache)

    assert staged.path == tmp_path / "x/my table.csv"
    assert staged.path.read_text() == "a,b\n1,2\n"


def test_size_and_etag_come_from_the_server(server):
    """Without an ETag there is nothing that would tell a change."""
    files = [resolve(define(f"{server}{path}"), WEB_ONLY).files[0] for path in ("/data/my%20table.csv", "/plain")]

    assert [(file.size, file.etag) for file in files] == [(8, '"v1"'), (1, "")]


def test_a_file_without_identity_is_mounted_without_the_cache(server, tmp_path, cache):
    """What cannot be recognised again is not kept."""
    staged = stage_dataset(define(f"{server}/to-plain"), WEB_ONLY, tmp_path / "x", "mount", cache)

    assert staged.path.read_text() == "x"
    assert not cache.exists()


def test_a_missing_web_file_is_a_dataset_not_found(server):
    """404 names the address and not its query, where tokens stand."""
    with pytest.raises(DatasetNotFoundError, match=r"/gone': the server says 404") as error:
        resolve(define(f"{server}/gone?sig=s3cret"), WEB_ONLY)
    assert "s3cret" not in str(error.value)


def test_a_cut_download_is_an_error_and_leaves_nothing(server, tmp_path):
    """Fewer bytes than announced are never a file."""
    with pytest.raises(ServiceException, match="cut 95 bytes before its end"):
        WEB_ONLY.web.get(f"{server}/cut", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_a_refusing_or_absent_server_is_told(server):
    """403 and a closed port are errors of the service with the address."""
    with pytest.raises(ServiceException, match="/denied': the server says 403"):
        resolve(define(f"{server}/denied"), WEB_ONLY)
    with pytest.raises(ServiceException, match=r"http://127.0.0.1:1/x': cannot be reached"):
        resolve(define("http://user:pass@127.0.0.1:1/x"), WEB_ONLY)


@pytest.fixture
def elsewhere(server):
    """A store that may read one host by a pattern, which leads to this machine."""
    return WebStore(WebAccess(("local*",))), server.replace("127.0.0.1", "localhost")


def test_nothing_is_read_that_is_not_allowed(server, monkeypatch):
    """Without a host that is allowed the web is off, and the error says how to switch it on."""
    with pytest.raises(UserErrorException, match=r"/plain': data of the web is off for host '127.0.0.1'; allow it by"):
        WebStore(WebAccess.of(None)).stat(f"{server}/plain")

    monkeypatch.setenv("AIRFLOW_ML_WEB_HOSTS", "example.org, 127.0.0.1")
    assert WebStore(WebAccess.of(None)).stat(f"{server}/plain").size == 1


def test_a_pattern_does_not_open_this_network(elsewhere):
    """A name that leads to an address inside must be allowed by itself: patterns are for public addresses."""
    store, address = elsewhere
    with pytest.raises(UserErrorException, match=r"host 'localhost': leads to (127.0.0.1|::1), an address inside"):
        store.get(f"{address}/plain", Path("never"))


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "192.168.0.1", "169.254.169.254", "::1", "fe80::1%eth0", "::ffff:10.0.0.1", "0.0.0.0",
     "100.64.0.1", "fd00::1", "224.0.0.1"],
)  # fmt: skip
def test_addresses_inside_are_known(address):
    """Loopback, private, link-local, metadata, shared, mapped and multicast addresses are inside."""
    with pytest.raises(UserErrorException, match="an address inside this network"):
        WebAccess(("*",)).check_address("any.example", address)


def test_a_public_address_is_taken():
    """A host that leads to a public address needs nothing but its pattern."""
    WebAccess(("*",)).check_address("any.example", "93.184.215.14")


def test_every_redirect_is_judged(server):
    """A host that is allowed cannot lead to one that is not."""
    ANSWERS["/away"] = (302, {"Location": server.replace("127.0.0.1", "localhost") + "/plain"}, b"")

    with pytest.raises(UserErrorException, match="data of the web is off for host 'localhost'"):
        WEB_ONLY.web.open_read(f"{server}/away")


def test_the_name_is_asked_once(server, monkeypatch):
    """The connection goes to the address that was looked at, not to what the name server says a moment later."""
    real, asked = socket.getaddrinfo, []

    def answer(host, *arguments, **options):
        asked.append(host)
        return real("127.0.0.1", *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    store = WebStore(WebAccess(("data.example",)))

    assert store.stat(server.replace("127.0.0.1", "data.example") + "/plain").size == 1
    assert asked == ["data.example"]


@pytest.mark.parametrize(
    ("limits", "said"),
    [({"max_bytes": 7}, "has 8 bytes, more than the 7"), ({"max_seconds": 1e-9}, "takes more than the 1e-09 seconds")],
)
def test_size_and_time_have_limits(server, tmp_path, limits, said):
    """A file that is larger, or takes longer, than allowed is refused, and nothing of it stays."""
    store = WebStore(WebAccess(("127.0.0.1",), **limits))

    with pytest.raises(UserErrorException, match=said):
        store.get(f"{server}/data/my%20table.csv", tmp_path / "x")
    with pytest.raises(UserErrorException, match=said):
        store.open_read(f"{server}/data/my%20table.csv").read()
    assert list(tmp_path.iterdir()) == []


def test_a_cut_stream_is_an_error(server):
    """Fewer bytes than announced are never a whole file, also for who reads it as it comes."""
    with pytest.raises(ServiceException, match="cut 95 bytes before its end"):
        WEB_ONLY.web.open_read(f"{server}/cut").read()


def test_a_workspace_allows_hosts(home):
    """The hosts of a workspace are what was allowed last; a pattern with a scheme is refused."""
    workspace = Workspace.create("w", show_output=False)
    assert workspace.web_hosts == ()

    workspace.allow_web_hosts(["Data.Example.org", "*.blob.core.windows.net"], max_bytes=5)

    assert workspace.web_hosts == ("data.example.org", "*.blob.core.windows.net")
    assert Stores(workspace.registry()).web._access.max_bytes == 5
    with pytest.raises(UserErrorException, match="without scheme"):
        workspace.allow_web_hosts(["https://x"])


def test_a_redirect_cannot_lead_to_local_files(server):
    """A server must not make us read this machine's files."""
    with pytest.raises((NotSupportedError, ServiceException), match=r"redirect|Redirection|302"):
        WEB_ONLY.web.open_read(f"{server}/to-file")
