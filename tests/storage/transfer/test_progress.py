"""How far a transfer is, in the log and in the terminal."""

import io
import sys

import pytest

from airflow_ml.storage.transfer import progress as module
from airflow_ml.storage.transfer.progress import Progress, format_bytes


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self):
        """Say yes."""
        return True


@pytest.fixture
def clock(monkeypatch):
    """A list whose last number is the time."""
    times = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: times[-1])
    return times


def test_the_log_has_files_bytes_rate_and_time_left(clock, caplog):
    """Every five seconds, not more often."""
    progress = Progress("upload")
    progress.expect(10, 20_000_000)
    progress.add(5_000_000, files=2)
    with caplog.at_level("INFO"):
        for passed in (1.0, 5.0, 6.0):
            clock.append(100 + passed)
            progress.tell()

    assert caplog.messages == ["upload: 2 of 10 files, 5.0 MB of 20.0 MB, 1.0 MB/s, 0:15 left"]


def test_a_terminal_has_a_line_that_goes_away(clock, monkeypatch):
    """What was done is for the caller to say."""
    monkeypatch.setattr(sys, "stderr", Terminal())
    progress = Progress("upload", is_shown=True)
    progress.expect(2, 2000)
    progress.add(1000, files=1)
    clock.append(101.0)
    progress.tell()
    progress.close()

    assert "upload [############............] 1 of 2 files" in sys.stderr.getvalue()
    assert sys.stderr.getvalue().endswith("\r\x1b[K")


def test_nothing_is_drawn_where_nobody_looks(clock, monkeypatch):
    """Neither into files and logs, nor when the caller does not want it."""
    for stream, is_shown in ((io.StringIO(), True), (Terminal(), False)):
        monkeypatch.setattr(sys, "stderr", stream)
        progress = Progress("upload", is_shown=is_shown)
        clock.append(clock[-1] + 1)
        progress.tell()
        progress.close()

        assert stream.getvalue() == ""


@pytest.mark.parametrize(("size", "text"), [(999, "999 bytes"), (1500, "1.5 kB"), (2e9, "2.0 GB"), (3e12, "3.0 TB")])
def test_bytes_are_written_as_people_read_them(size, text):
    """In powers of a thousand."""
    assert format_bytes(size) == text
