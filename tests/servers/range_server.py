"""
A server that answers GET with ranges of files: what a client can do where no server limits it.

    python tests/servers/range_server.py PORT PLACE

A place that is a file answers for every address; in a folder an address's last element is the name, and a listing has
the files that lie in it.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from servers.azurite import Azurite

_RANGE = re.compile(rb"range: *bytes=(\d+)-(\d+)", re.IGNORECASE)
_MODIFIED = "Mon, 23 Nov 2026 10:00:00 GMT"
_COMMON = (
    f'ETag: "0x1"\r\nLast-Modified: {_MODIFIED}\r\nx-ms-blob-type: BlockBlob\r\nAccept-Ranges: bytes\r\n'
    "Content-Type: application/octet-stream\r\nx-ms-version: 2023-11-03\r\n"
).encode()


@contextmanager
def running_range_server(place: Path) -> Iterator[Azurite]:
    """Start a server as a process of its own and end it with the block."""
    from servers.azurite import Azurite, free_port

    port = free_port()
    with subprocess.Popen([sys.executable, __file__, str(port), str(place)]) as process:
        try:
            while process.poll() is None:
                with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.01)
            yield Azurite(port)
        finally:
            process.kill()


def main() -> None:
    """Serve until killed."""
    port, place = int(sys.argv[1]), sys.argv[2]
    with socket.create_server(("127.0.0.1", port), backlog=128) as server:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve, args=(connection, place), daemon=True).start()


def serve(connection: socket.socket, place: str) -> None:
    """Answer the requests of one connection; the kernel moves the bytes."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    with connection, suppress(ConnectionError):
        while True:
            while b"\r\n\r\n" not in received:
                chunk = connection.recv(65536)
                if not chunk:
                    return
                received += chunk
            head, _, received = received.partition(b"\r\n\r\n")
            target = head.split(b" ", 2)[1].decode()
            if "comp=list" in target:
                text = listing(place)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
            else:
                name = unquote(target.partition("?")[0].rpartition("/")[2])
                answer(connection, head, place if Path(place).is_file() else str(Path(place, name)))


def answer(connection: socket.socket, head: bytes, place: str) -> None:
    """Send a file, or a range of it."""
    file = os.open(place, os.O_RDONLY)
    try:
        size, asked = os.fstat(file).st_size, _RANGE.search(head)
        start, end = (int(asked[1]), min(int(asked[2]), size - 1)) if asked else (0, size - 1)
        status = b"HTTP/1.1 206 Partial Content\r\n" if asked else b"HTTP/1.1 200 OK\r\n"
        told = b"Content-Range: bytes %d-%d/%d\r\n" % (start, end, size) if asked else b""
        connection.sendall(b"%s%s%sContent-Length: %d\r\n\r\n" % (status, _COMMON, told, end - start + 1))
        while start <= end and not head.startswith(b"HEAD"):
            start += os.sendfile(connection.fileno(), file, start, end - start + 1)
    finally:
        os.close(file)


def listing(folder: str) -> bytes:
    """Return the files of a folder as the service lists blobs."""
    blobs = "".join(
        f"<Blob><Name>t/{entry.name}</Name><Properties><Last-Modified>{_MODIFIED}</Last-Modified><Etag>0x1</Etag>"
        f"<Content-Length>{entry.stat().st_size}</Content-Length></Properties></Blob>"
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)
    )
    return f"<EnumerationResults><Blobs>{blobs}</Blobs><NextMarker/></EnumerationResults>".encode()


if __name__ == "__main__":
    main()
