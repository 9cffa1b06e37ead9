"""A MariaDB server as a process of the tests' own: on a socket in a folder of its own, and on a port for faults."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from servers.absent import skip_without

__all__ = ["MariaDb", "running_mariadb"]

START_SECONDS = 60

#: A crash of the machine may cost the data of a test.
SETTINGS = (
    "--innodb-flush-log-at-trx-commit=0",
    "--skip-log-bin",
    "--innodb-buffer-pool-size=32M",
    "--performance-schema=off",
    "--skip-name-resolve",
    "--character-set-server=utf8mb4",
)


@dataclass(frozen=True)
class MariaDb:
    """
    A running server, whose user `root` needs no password on the socket.

    Attributes:
        socket: of this machine.
        port: on 127.0.0.1.
    """

    socket: Path
    port: int

    def url(self, database: str = "") -> str:
        """Return the address of a database as SQLAlchemy takes it."""
        return f"mysql+pymysql://root@/{database}?unix_socket={self.socket}&charset=utf8mb4"


@contextmanager
def running_mariadb() -> Iterator[MariaDb]:
    """Start a server, and end it with the block; skip where there is none, fail under CI."""
    program = shutil.which("mariadbd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    install = shutil.which("mariadb-install-db")
    if program is None or install is None:
        reason = "no MariaDB server; install the package mariadb-server"
        skip_without(reason)
    folder = Path(tempfile.mkdtemp(prefix="aml-my-"))
    account = ["--user=mysql"] if os.geteuid() == 0 else []
    if account:
        shutil.chown(folder, "mysql", "mysql")
    data = f"--datadir={folder / 'data'}"
    make = [install, "--no-defaults", data, "--auth-root-authentication-method=normal", "--skip-test-db", *account]
    subprocess.run(make, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
    server = MariaDb(folder / "s", _free_port())
    place = [f"--socket={server.socket}", f"--port={server.port}", "--bind-address=127.0.0.1"]
    pid_file = f"--pid-file={folder / 'pid'}"
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "--no-defaults", data, *place, pid_file, *account, *SETTINGS], stdout=log, stderr=log, cwd=folder
        )
    try:
        _wait(process, server, folder / "server.log")
        yield server
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], server: MariaDb, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(server.socket)) == 0:
                return
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"MariaDB did not start: {log.read_text()[-2000:]}")
        time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
