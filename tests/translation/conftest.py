"""Fixtures of whole runs without a service: a project folder, a script that waits, and what a run leaves behind."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.core import Run
from airflow_ml.pipeline.core import PipelineRun


def is_readable(descriptor: int, seconds: float) -> bool:
    """Wait until something can be read; select.select takes no descriptor above 1023, which a long run of tests has."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


class Gate:
    """A named pipe by which a script says that it runs."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        #: A script that says that it runs, and then waits until it is killed.
        self.script = f"import os, signal; os.write(os.open({str(path)!r}, os.O_WRONLY), b'x'); signal.pause()"

    def wait(self) -> None:
        """Wait until the script runs."""
        descriptor = os.open(self.path, os.O_RDWR)
        assert is_readable(descriptor, 120), "the script was not started"
        os.read(descriptor, 1)
        os.close(descriptor)


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Make a gate that a script waits at."""
    return Gate(tmp_path / "gate")


@pytest.fixture(scope="module")
def airflow_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder for the machine's empty Airflow database, so that it is made once for all tests."""
    return tmp_path_factory.mktemp("airflow")


@pytest.fixture
def project(home: Path, airflow_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder the current one, beside a home of the test's own."""
    (home / "airflow").symlink_to(airflow_folder)
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def driver_of() -> Callable[[Run], int]:
    """Return the process that drives a run."""

    def find(run: Run) -> int:
        [driver] = [pid for pid, command in processes_of(run.id).items() if b"embedded" in command]
        return driver

    return find


@pytest.fixture
def check_nothing_is_left() -> Callable[[Run], None]:
    """See that neither a process nor a folder of a run is left."""

    def check(run: Run) -> None:
        ids = [run.id, *(step.id for step in run.get_steps())] if isinstance(run, PipelineRun) else [run.id]
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and any(processes_of(name) for name in ids):
            time.sleep(0.05)  # the driver may still be on its way out
        home = run._registry.home
        assert not [command for name in ids for command in processes_of(name).values()]
        assert not [place for place in (*home.runs.iterdir(), *home.drivers.iterdir()) if place.name in ids]

    return check


def processes_of(run_id: str) -> dict[int, bytes]:
    """Return the command lines of the processes that have a run's id in command line or environment."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command, environment = (folder / "cmdline").read_bytes(), (folder / "environ").read_bytes()
        except OSError:
            continue
        if run_id.encode() in command + environment and int(folder.name) != os.getpid():
            found[int(folder.name)] = command
    return found
