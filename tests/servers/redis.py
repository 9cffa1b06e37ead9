"""A Redis server as a process of the tests' own, on a socket in a folder of its own: the broker of Celery."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers.absent import skip_without

__all__ = ["running_redis"]

START_SECONDS = 30


@contextmanager
def running_redis() -> Iterator[str]:
    """Start a server, give its address as Celery takes it, and end it with the block; skip where there is none."""
    program = shutil.which("redis-server")
    if program is None:
        skip_without("no Redis server; install the package redis-server")
    folder = Path(tempfile.mkdtemp(prefix="aml-redis-"))
    place = folder / "s"
    options = ["--port", "0", "--unixsocket", str(place), "--save", "", "--appendonly", "no", "--dir", str(folder)]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen([program, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        _wait(process, place, folder / "server.log")
        yield f"redis+socket://{place}"
    finally:
        process.kill()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], place: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(place)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"Redis did not start: {log.read_text()[-2000:]}")
        time.sleep(0.02)
