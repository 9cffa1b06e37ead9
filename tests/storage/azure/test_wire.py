"""Connections: proxies, certificates, servers that are not there, and processes that fork."""

import os
import selectors
import socket
import socketserver
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers.azurite import free_port, running_azurite
from servers.entra import make_certificate

from airflow_ml.exceptions import UserErrorException
from airflow_ml.storage.azure.addresses import StorageAddress
from airflow_ml.storage.azure.wire import Request, Wire
from airflow_ml.storage.retrying import TransientError


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of this machine, and its key."""
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def secure_azurite(certificate):
    """An Azurite that is reached by HTTPS."""
    with running_azurite("--cert", str(certificate[0]), "--key", str(certificate[1])) as server:
        yield server


class Proxy(socketserver.BaseRequestHandler):
    """A proxy that takes CONNECT and passes bytes on."""

    def handle(self):
        """Pass bytes on until one side ends."""
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.request.recv(4096)
        host, _, port = head.split()[1].decode().rpartition(":")
        self.server.asked.append(f"{host}:{port}")
        with socket.create_connection((host, int(port))) as other:
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            # select.select takes no descriptor above 1023, which a long run of tests has.
            with selectors.DefaultSelector() as selector:
                selector.register(self.request, selectors.EVENT_READ, other)
                selector.register(other, selectors.EVENT_READ, self.request)
                while True:
                    for key, _ in selector.select():
                        content = key.fileobj.recv(65536)
                        if not content:
                            return
                        key.data.sendall(content)


@contextmanager
def running_proxy():
    """Start the proxy, and end it with the block."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Proxy) as server:
        server.asked, server.daemon_threads = [], True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.azurite
def test_a_proxy_of_the_environment_is_used(secure_azurite, certificate, monkeypatch):
    """As every program does that is told of one by HTTPS_PROXY, and not where NO_PROXY says otherwise."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with running_proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_address[1]}")
        monkeypatch.setenv("NO_PROXY", "")
        with secure_azurite.new_store() as store:
            store.write("with + sign", b"x")
            assert set(proxy.asked) == {f"127.0.0.1:{secure_azurite.port}"}
        proxy.asked.clear()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with secure_azurite.new_store() as store:
            store.write("with + sign", b"x")
        assert proxy.asked == []


@pytest.mark.azurite
def test_a_certificate_that_is_not_trusted_is_told(secure_azurite):
    """At once: it will not change."""
    with pytest.raises(
        UserErrorException, match=r"does not trust .*; name the authority's certificates in SSL_CERT_FILE"
    ):
        secure_azurite.open("container").stat("f")


@pytest.mark.parametrize(
    ("host", "told"),
    [("127.0.0.1:{port}", "Connection refused"), ("no-such-host.invalid", "check account and endpoint")],
)
def test_a_server_that_is_not_there_is_told(host, told):
    """The address, and what to look at."""
    address = StorageAddress("a", "c", "http", host.format(port=free_port()), "")

    with pytest.raises(TransientError, match=f"^http://{address.host} cannot be reached .*{told}"):
        Wire(address).exchange(Request("GET", "/c"))


def test_a_server_that_says_nothing_is_left():
    """A stalled connection is not waited for longer than it is worth."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = StorageAddress("a", "c", "http", f"127.0.0.1:{server.getsockname()[1]}", "")

        with pytest.raises(TransientError, match="timed out"):
            Wire(address, stall=0.1).exchange(Request("GET", "/c"))


class Refusing(socketserver.BaseRequestHandler):
    """A server that refuses before it has taken the whole request."""

    def handle(self):
        """Answer and close."""
        self.request.recv(100)
        self.request.sendall(b"HTTP/1.1 403 Forbidden\r\nx-ms-error-code: Refused\r\ncontent-length: 0\r\n\r\n")
        self.request.shutdown(socket.SHUT_WR)
        # Until the other side has read the answer: closing with bytes left unread would take it away.
        self.server.is_read.wait(10)


def test_a_refusal_that_comes_early_is_heard():
    """The server closes the connection while a large body is still being sent."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusing) as server:
        server.is_read = threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = StorageAddress("a", "c", "http", f"127.0.0.1:{server.server_address[1]}", "")
        threading.Timer(1.5, server.is_read.set).start()
        body = bytes(64 << 20)

        answer = Wire(address).exchange(Request("PUT", "/c/f", headers={"content-length": str(len(body))}, body=body))

        server.shutdown()
    assert (answer.status, answer.header("x-ms-error-code")) == (403, "Refused")


FORKING = """
import os, sys
from servers.azurite import Azurite
store = Azurite(int(sys.argv[1])).open(sys.argv[2])
store.write("parent", b"1")
child = os.fork()
if not child:
    store.write("child", b"2")
    os._exit(0 if store.open_read("parent").read() == b"1" else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert store.open_read("child").read() == b"2"
"""


@pytest.mark.azurite
def test_a_store_can_be_used_after_a_fork(azurite, blob_store):
    """Airflow forks; the child neither waits for threads that it has not, nor talks over its parent's connections."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", FORKING, str(azurite.port), blob_store.client.address.container]

    subprocess.run(command, env=environment, check=True, timeout=60)
