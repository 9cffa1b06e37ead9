"""Files behind web addresses, from a server of our own."""

import gzip
import http.server
import itertools
import socket
import threading
from contextlib import suppress
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
     "100.64.0.1", "fd00::1", "224.0.0.1", "255.255.255.255", "168.63.129.16", "192.0.0.192", "fec0::1", "::7f00:1",
     "2002:7f00:1::", "64:ff9b::169.254.169.254", "64:ff9b:1::1"],
)  # fmt: skip
def test_addresses_inside_are_known(address):
    """Loopback, private, link-local, metadata, shared, mapped, tunnelled and multicast addresses are inside."""
    with pytest.raises(UserErrorException, match="an address inside this network"):
        WebAccess(("*",)).check_address("any.example", address)


@pytest.mark.parametrize("address", ["93.184.215.14", "2606:2800:21f::1", "64:ff9b::93.184.215.14"])
def test_a_public_address_is_taken(address):
    """A host that leads to a public address needs nothing but its pattern, also from a network without IPv4."""
    WebAccess(("*",)).check_address("any.example", address)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "user@127.0.0.1"]
)
def test_no_way_to_write_an_address_leads_inside(server, host):
    """Numbers, octal, hexadecimal and mapped forms are what the system takes them for."""
    with pytest.raises((UserErrorException, ServiceException), match=r"an address inside|cannot be reached"):
        WebStore(WebAccess(("*",))).stat(server.replace("127.0.0.1", host) + "/plain")


def test_one_address_inside_among_others_is_enough(monkeypatch):
    """A name with several addresses is refused before anything is connected to, whichever comes first."""
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, 80)) for place in ("93.184.215.14", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: answers)
    monkeypatch.setattr(socket, "socket", None)

    with pytest.raises(UserErrorException, match=r"host 'two.example': leads to 10.0.0.1"):
        WebStore(WebAccess(("*",))).stat("http://two.example/x")


def test_a_redirect_to_an_address_inside_is_refused(server):
    """Also where the name is allowed by a pattern."""
    ANSWERS["/inside"] = (302, {"Location": server.replace("127.0.0.1", "localhost") + "/plain"}, b"")

    with pytest.raises(UserErrorException, match=r"host 'localhost': leads to"):
        WebStore(WebAccess(("127.0.0.1", "*"))).stat(f"{server}/inside")


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


def answering(pieces):
    """Serve one connection with these pieces, the last one again and again, until the client is gone."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with listener, connection, suppress(OSError):
            connection.recv(65536)
            for piece in itertools.chain(pieces, itertools.repeat(pieces[-1])):
                connection.sendall(piece)
                if len(piece) < 100:
                    # Until the client hangs up, or for as long as it takes to be slow.
                    connection.settimeout(0.02)
                    with suppress(TimeoutError):
                        if not connection.recv(1):
                            return

    threading.Thread(target=serve, daemon=True).start()
    return f"http://127.0.0.1:{listener.getsockname()[1]}/x"


@pytest.mark.parametrize(
    "pieces",
    [[b"H"], [b"HTTP/1.1 200 OK\r\n", b"A: b\r\n"], [b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"x"]],
    ids=["status", "headers", "body"],
)
def test_a_server_that_trickles_ends_in_time(pieces, tmp_path):
    """The time limit holds for an answer's head and for its body, however often a byte comes."""
    store = WebStore(WebAccess(("127.0.0.1",), max_seconds=0.3))

    with pytest.raises(
        (UserErrorException, ServiceException), match=r"more than the 0.3 seconds|got more than 100 headers"
    ):
        store.get(answering(pieces), tmp_path / "x")


@pytest.mark.parametrize("head", [b"", b"Content-Length: 10\r\nTransfer-Encoding: chunked\r\n"], ids=["none", "lying"])
def test_an_answer_without_an_honest_length_is_limited(head, tmp_path):
    """What counts are the bytes that come."""
    piece = b"x" * 60_000 if not head else b"8000\r\n%s\r\n" % (b"x" * 0x8000)
    address = answering([b"HTTP/1.1 200 OK\r\n" + head + b"\r\n", piece])

    with pytest.raises(UserErrorException, match="has more than the 100000 bytes"):
        WebStore(WebAccess(("127.0.0.1",), max_bytes=100_000)).get(address, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_packed_answers_stay_packed(server, tmp_path):
    """What a server says of an encoding unpacks nothing, so a small answer does not become a large file."""
    packed = gzip.compress(bytes(1 << 20))
    ANSWERS["/bomb"] = (200, {"Content-Encoding": "gzip"}, packed)

    WebStore(WebAccess(("127.0.0.1",), max_bytes=100_000)).get(f"{server}/bomb", tmp_path / "x")
    assert (tmp_path / "x").read_bytes() == packed


def test_an_answer_that_breaks_off_between_chunks_is_an_error(tmp_path):
    """It is told as a loss of the service, not as an error of this machine."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        connection, _ = listener.accept()
        with listener, connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")

    threading.Thread(target=serve, daemon=True).start()
    with pytest.raises(ServiceException, match="cut before its end"):
        WEB_ONLY.web.get(f"http://127.0.0.1:{listener.getsockname()[1]}/x", tmp_path / "x")
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
