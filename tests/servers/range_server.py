"""
A server that answers every GET with a range of one file: what a client can do where no server limits it.

    python tests/servers/range_server.py PORT FILE
"""

from __future__ import annotations

import os
import re
import socket
import sys
import threading

_RANGE = re.compile(rb"range: *bytes=(\d+)-(\d+)", re.IGNORECASE)


def main() -> None:
    """Serve until killed."""
    port, place = int(sys.argv[1]), sys.argv[2]
    file = os.open(place, os.O_RDONLY)
    with socket.create_server(("127.0.0.1", port), backlog=128) as server:
        while True:
            connection, _ = server.accept()
            threading.Thread(target=serve, args=(connection, file), daemon=True).start()


def serve(connection: socket.socket, file: int) -> None:
    """Answer the requests of one connection; the kernel moves the bytes."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    size, received = os.fstat(file).st_size, b""
    common = b'ETag: "0x1"\r\nLast-Modified: Mon, 23 Nov 2026 10:00:00 GMT\r\nx-ms-blob-type: BlockBlob\r\n'
    common += b"Content-Type: application/octet-stream\r\nAccept-Ranges: bytes\r\nx-ms-version: 2023-11-03\r\n"
    with connection:
        while True:
            while b"\r\n\r\n" not in received:
                chunk = connection.recv(65536)
                if not chunk:
                    return
                received += chunk
            head, _, received = received.partition(b"\r\n\r\n")
            asked = _RANGE.search(head)
            start, end = (int(asked[1]), min(int(asked[2]), size - 1)) if asked else (0, size - 1)
            status = b"HTTP/1.1 206 Partial Content\r\n" if asked else b"HTTP/1.1 200 OK\r\n"
            told = b"Content-Range: bytes %d-%d/%d\r\n" % (start, end, size) if asked else b""
            connection.sendall(b"%s%s%sContent-Length: %d\r\n\r\n" % (status, common, told, end - start + 1))
            if not head.startswith(b"HEAD"):
                while start <= end:
                    start += os.sendfile(connection.fileno(), file, start, end - start + 1)


if __name__ == "__main__":
    main()
