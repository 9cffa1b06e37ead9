"""
Starting, stopping and asking after the background service: `airflow standalone` in a session of its own.

A lock lets one start at a time through. What a start or a service that was killed left behind is ended by the next
start: every process of a service carries a marker (`airflow_ml.translation.service_processes`).
"""

from __future__ import annotations

import fcntl
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from airflow_ml.exceptions import ServiceException
from airflow_ml.registry import Home
from airflow_ml.translation.airflow_settings import inherited_settings, service_settings
from airflow_ml.translation.service import answers
from airflow_ml.translation.service_client import AirflowClient, AirflowError
from airflow_ml.translation.service_database import Database, resolve_database
from airflow_ml.translation.service_files import ServiceFiles, ServiceRecord, birth_of, is_alive
from airflow_ml.translation.service_processes import MARKER, end_processes, find_processes, has_dead_child

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ServiceStatus", "service_status", "start_service", "stop_service"]

#: Seconds in which a service must answer after its start; half a minute is usual, a new database adds to it.
_START_SECONDS = 300.0

_LOOK_SECONDS = 0.2
_LAST_PORT = 65535
_PARTS = ("metadatabase", "scheduler", "dag_processor")


@dataclass(frozen=True)
class ServiceStatus:
    """
    How the service is.

    Attributes:
        database: without password; None if it is stopped, like `url` and `pid`.
        problem: what does not work although the service runs, in words.
    """

    state: Literal["running", "starting", "stopped"]
    log: Path
    passwords: Path
    url: str | None = None
    pid: int | None = None
    database: str | None = None
    problem: str | None = None


def start_service(
    *, home: Home | None = None, port: int = 8080, database_url: str | None = None, timeout: float = _START_SECONDS
) -> ServiceStatus:
    """
    Start the service and return when it answers; one that runs is left as it is.

    Args:
        port: on the loopback address; another one is taken if it is in use.
        database_url: a PostgreSQL database; default: the one that AIRFLOW_ML_SERVICE_DATABASE names, else an SQLite
            file. Its password is handed to Airflow's processes in their environment and written nowhere.
        timeout: seconds.

    Raises:
        UserErrorException: the database or port cannot be used.
        ServiceException: Airflow has ended, or does not answer in time; nothing of it runs then.
    """
    files = ServiceFiles.of(home or Home.default())
    files.make()
    with _locked(files):
        record = files.read_record()
        if record is None or not is_alive(record):
            end_processes(files.root)
            database = resolve_database(database_url, files.database)
            record = _launch(files, database, _free_port(port))
        if record.phase == "starting":
            try:
                _wait_until_it_works(files, record, time.monotonic() + timeout)
            except BaseException:  # an interrupt too: nobody would end what was started
                end_processes(files.root)
                files.record.unlink(missing_ok=True)
                raise
            files.note_running(record)
    return service_status(home)


def stop_service(home: Home | None = None) -> bool:
    """
    End the service with all its processes; False if it did not run.

    Steps that run are stopped; their runs go on when the service is started again.
    """
    files = ServiceFiles.of(home or Home.default())
    if not files.root.is_dir():
        return False
    # Before the lock: a start that is under way holds it, and gives up when its service is gone.
    count = end_processes(files.root)
    with _locked(files):
        count += end_processes(files.root)
        files.record.unlink(missing_ok=True)
    return count > 0


def service_status(home: Home | None = None) -> ServiceStatus:
    """Return how the service is; it is asked, and given two seconds to answer."""
    files = ServiceFiles.of(home or Home.default())
    record = files.read_record()
    if record is None or not is_alive(record):
        left = find_processes(files.root)
        problem = f"{len(left)} processes of a service that was killed are left; stop or start ends them"
        return ServiceStatus("stopped", files.log, files.passwords, problem=problem if left else None)
    is_running = record.phase == "running" or answers(record)
    return ServiceStatus(
        "running" if is_running else "starting",
        files.log,
        files.passwords,
        url=record.url,
        pid=record.pid,
        database=record.database,
        problem=_problem(record) if is_running else None,
    )


def _launch(files: ServiceFiles, database: Database, port: int) -> ServiceRecord:
    if database.file is not None:
        _switch_to_wal(database.file)
    if files.log.exists():
        files.log.replace(files.log.with_suffix(".log.1"))
    settings = service_settings(files.root, database_url=database.url, port=port)
    descriptor = os.open(files.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            cwd=files.root,
            env={**_environment(files), **settings},
            start_new_session=True,
        )
    except OSError as error:
        raise ServiceException(f"service: {sys.executable!r} could not be started: {error}", error) from error
    finally:
        os.close(descriptor)
    birth = birth_of(process.pid)
    record = ServiceRecord(process.pid, birth or "", f"http://127.0.0.1:{port}", database.shown)
    files.write_record(record)
    return record


def _environment(files: ServiceFiles) -> Mapping[str, str]:
    # Airflow's standalone command starts its parts by the name `airflow`.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    ports = _free_ports(2)
    return {
        **inherited_settings(),
        "PATH": path,
        MARKER: str(files.root),
        # Airflow renames its processes; without this the new name overwrites the environment that the marker is in.
        "SPT_NOENV": "1",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(ports[0]),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(ports[1]),
    }


def _switch_to_wal(file: Path) -> None:
    """Let readers and one writer work at the same time; SQLite keeps the mode in the file."""
    with closing(sqlite3.connect(file, timeout=60)) as database:
        database.execute("PRAGMA journal_mode=WAL")
    file.chmod(0o600)


def _wait_until_it_works(files: ServiceFiles, record: ServiceRecord, deadline: float) -> None:
    while not (answers(record) and _problem(record) is None):
        if not is_alive(record) or has_dead_child(record.pid):
            raise ServiceException(f"service: Airflow ended while it started; {_last_words(files)}")
        if time.monotonic() > deadline:
            raise ServiceException(
                f"service at {record.url}: does not work in time: {_problem(record)}; {_last_words(files)}"
            )
        time.sleep(_LOOK_SECONDS)
    # The first request of a task makes Airflow prepare that part of its API, which takes seconds.
    AirflowClient(record.url, log=str(files.log)).ask("GET", "/execution/health")


def _problem(record: ServiceRecord) -> str | None:
    """Return which of Airflow's parts does not work, if one does not."""
    if has_dead_child(record.pid):
        return "a part of Airflow has ended; the log says which one, stop and start the service"
    try:
        answer = AirflowClient(record.url, timeout_seconds=2.0).ask("GET", "/api/v2/monitor/health")
    except AirflowError as error:
        return str(error)
    health = cast("dict[str, dict[str, str]]", answer)
    unhealthy = [part for part in _PARTS if health.get(part, {}).get("status") != "healthy"]
    return f"unhealthy: {', '.join(unhealthy)}; restart the service if that stays so" if unhealthy else None


def _last_words(files: ServiceFiles) -> str:
    lines = files.log.read_text(encoding="utf-8", errors="replace").splitlines() if files.log.exists() else []
    return f"see its log {str(files.log)!r}, which ends: {' / '.join(line.strip() for line in lines[-3:])!r}"


def _free_port(wanted: int) -> int:
    """Return the wanted port, or another one if it is in use."""
    if not 0 <= wanted <= _LAST_PORT:
        raise ServiceException(f"service: port {wanted} is not between 0 and {_LAST_PORT}")
    with socket.socket() as probe:
        # As the server does: a port that a server has just left is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return _free_ports(1)[0]
        return int(probe.getsockname()[1])


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(opened.getsockname()[1]) for opened in sockets]
    for opened in sockets:
        opened.close()
    return ports


@contextmanager
def _locked(files: ServiceFiles) -> Iterator[None]:
    files.lock.parent.mkdir(parents=True, exist_ok=True)
    with files.lock.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
