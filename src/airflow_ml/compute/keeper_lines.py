"""What a keeper says to its operator, line by line."""

from __future__ import annotations

import select
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

__all__ = ["KeeperLines"]


class KeeperLines:
    """The lines that come over a life line."""

    def __init__(self, life_line: socket.socket) -> None:
        self._life_line = life_line
        self._unread = b""

    def receive(self, deadline: float | None) -> bytes | None:
        """Return the keeper's next line, b"" if its end is closed, None if the time was over first."""
        waiting = select.poll()  # unlike select, good for descriptors above 1023
        waiting.register(self._life_line, select.POLLIN)
        while b"\n" not in self._unread:
            left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1000
            if not waiting.poll(left):
                return None
            try:
                data = self._life_line.recv(4096)
            except ConnectionError:
                data = b""
            if not data:
                return b""
            self._unread += data
        line, _, self._unread = self._unread.partition(b"\n")
        return line
