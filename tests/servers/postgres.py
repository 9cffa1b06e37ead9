"""A PostgreSQL server as a process of the tests' own, on a socket in a folder of its own."""

import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from servers.absent import skip_without

__all__ = ["running_postgres"]

#: A crash of the machine may cost the data of a test.
SETTINGS = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")


@contextmanager
def running_postgres() -> Iterator[Callable[[], str]]:
    """Start a server and end it with the block; each call makes an empty database in it and returns its URL."""
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not binaries:
        skip_without("no PostgreSQL server below /usr/lib/postgresql; install the package postgresql")
    folder = Path(tempfile.mkdtemp(prefix="aml-pg-"))
    server = _start(binaries[-1].parent, folder)

    def make_database() -> str:
        name = f"test_{uuid.uuid4().hex}"
        subprocess.run(
            [binaries[-1].with_name("createdb"), "-h", folder, "-U", "postgres", "-T", "template0", name], check=True
        )
        return f"postgresql://postgres@/{name}?host={folder}"

    try:
        yield make_database
    finally:
        # SIGINT is PostgreSQL's fast shutdown: it does not wait for connections that a test left open.
        server.send_signal(signal.SIGINT)
        server.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _start(binaries: Path, folder: Path) -> subprocess.Popen[bytes]:
    """Start a server that listens on a socket in the folder alone, and wait until it answers."""
    account: dict[str, object] = {}
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root.
        account = {"user": "postgres", "group": "postgres", "extra_groups": []}
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    make = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL, cwd=folder, **account)
    settings = [part for setting in SETTINGS for part in ("-c", setting)]
    command = [binaries / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses=", *settings]
    with (folder / "server.log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, **account)
    while subprocess.run([binaries / "pg_isready", "-q", "-h", folder, "-t", "30"], check=False).returncode:
        if server.poll() is not None:
            pytest.fail(f"PostgreSQL ended at its start: {(folder / 'server.log').read_text()}")
    return server
