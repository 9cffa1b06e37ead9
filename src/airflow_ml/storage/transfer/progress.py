"""How far a transfer is: in the log every few seconds, and in the terminal where there is one."""

from __future__ import annotations

import logging
import sys
import time

__all__ = ["Progress", "format_bytes"]

_log = logging.getLogger(__name__)

#: Seconds between two lines of the log, and between two looks of the terminal's line.
_LOG_SECONDS, _BAR_SECONDS = 5.0, 0.2

_BAR = 24


class Progress:
    """
    Files and bytes of one transfer. `add` is called under the pool's lock, `tell` by the thread that waits for it.

    Attributes:
        files: that have arrived.
        size: bytes that have arrived.
        unchanged: files that needed no transfer.

    Args:
        what: is being done, for the log (`upload to 'blobs'`).
        is_shown: also in the terminal, if standard error is one.
    """

    def __init__(self, what: str, *, is_shown: bool = False) -> None:
        self.files = self.size = self.unchanged = 0
        self._what = what
        self._expected_files = self._expected_size = 0
        self._started = self._logged = self._drawn = time.monotonic()
        self._has_bar = is_shown and sys.stderr.isatty()
        self._is_drawn = False

    def expect(self, files: int, size: int) -> None:
        """Say how much more there is to do."""
        self._expected_files += files
        self._expected_size += size

    def add(self, size: int, *, files: int = 0) -> None:
        """Count what has arrived."""
        self.size += size
        self.files += files

    def tell(self) -> None:
        """Write to the log and the terminal, if it is time."""
        now = time.monotonic()
        if now - self._logged >= _LOG_SECONDS:
            self._logged = now
            _log.info("%s: %s", self._what, self.text())
        if self._has_bar and now - self._drawn >= _BAR_SECONDS:
            self._drawn = now
            self._draw()

    def text(self) -> str:
        """Return how far it is: files, bytes, rate and time left."""
        seconds = max(time.monotonic() - self._started, 0.001)
        rate = self.size / seconds
        left = self._expected_size - self.size
        more = f", {_duration(left / rate)} left" if rate and left > 0 else ""
        return (
            f"{self.files} of {self._expected_files} files, {format_bytes(self.size)} of "
            f"{format_bytes(self._expected_size)}, {format_bytes(rate)}/s{more}"
        )

    def _draw(self) -> None:
        share = min(self.size / self._expected_size, 1.0) if self._expected_size else 1.0
        done = round(share * _BAR)
        sys.stderr.write(f"\r\x1b[K{self._what} [{'#' * done}{'.' * (_BAR - done)}] {self.text()}")
        sys.stderr.flush()
        self._is_drawn = True

    def close(self) -> None:
        """Take the line off the terminal; what was done is for the caller to say."""
        if self._is_drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def format_bytes(size: float) -> str:
    """Return a number of bytes as people read it: `1.5 MB`."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
