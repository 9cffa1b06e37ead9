"""Requests of small Python programs, and looking at real processes."""

from __future__ import annotations

import os
import select
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_ml.compute.orphans import find_orphans, kill_orphans
from airflow_ml.compute.process_launcher import ProcessLauncher, ProcessStep
from airflow_ml.compute.request import ProcessRequest, inherited_environment

MakeRequest = Callable[..., ProcessRequest]
Launch = Callable[..., ProcessStep]


def is_readable(descriptor: int, seconds: float) -> bool:
    """Wait until something can be read; select.select takes no descriptor above 1023, which a long run of tests has."""
    waiting = select.poll()
    waiting.register(descriptor, select.POLLIN)
    return bool(waiting.poll(seconds * 1000))


@pytest.fixture
def marker() -> Iterator[str]:
    """A marker of this test alone; whatever still carries it afterwards is killed and fails the test."""
    name = f"test-{uuid.uuid4().hex}"
    yield name
    left = find_orphans(name)
    kill_orphans(name)
    assert left == ()


@pytest.fixture
def make_request(tmp_path: Path, marker: str) -> MakeRequest:
    """Make the request for a program given as Python source."""

    def make(source: str = "pass", *arguments: str, argv: tuple[str, ...] | None = None, **options: object):
        settings: dict = {
            "argv": argv or (sys.executable, "-c", source, *arguments),
            "cwd": tmp_path,
            "environment": inherited_environment(),
            "log_path": tmp_path / "log.txt",
            "attempt_directory": tmp_path,
            "marker": marker,
        }
        return ProcessRequest(**{**settings, **options})

    return make


@pytest.fixture
def launch(make_request: MakeRequest) -> Iterator[Launch]:
    """Launch a program given as Python source; it is let go of at the end of the test."""
    steps: list[ProcessStep] = []

    def start(*arguments: object, **options: object) -> ProcessStep:
        steps.append(ProcessLauncher().launch(make_request(*arguments, **options)))
        return steps[-1]

    yield start
    for step in steps:
        step.close()


@pytest.fixture
def barrier(tmp_path: Path) -> Iterator[Barrier]:
    """A named pipe by which a program says that it has come to a certain point."""
    path = tmp_path / "barrier"
    os.mkfifo(path)
    barrier = Barrier(path)
    yield barrier
    os.close(barrier.descriptor)


class Barrier:
    """The reading end of a named pipe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.descriptor = os.open(path, os.O_RDWR)
        #: Python source that reports the id of the process in which it runs. No file object: an exception that a
        #: signal handler raises while one is being closed would be ignored.
        self.report = f"import os; os.write(os.open({str(path)!r}, os.O_WRONLY), b'%d\\n' % os.getpid())"

    def wait(self, count: int = 1) -> list[int]:
        """Return the ids of so many processes that have reported."""
        data = b""
        while data.count(b"\n") < count:
            assert is_readable(self.descriptor, 20), f"only {data!r} after 20 seconds"
            data += os.read(self.descriptor, 4096)
        return [int(line) for line in data.split()]


def has_ended(pid: int, seconds: float = 10.0) -> bool:
    """Whether the process ends within so many seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return is_readable(descriptor, seconds)
    finally:
        os.close(descriptor)


@pytest.fixture(name="has_ended")
def has_ended_fixture() -> Callable[..., bool]:
    """Ask whether a process ends within so many seconds."""
    return has_ended
