"""Scripts that do not want to end, as processes and in containers: nothing of them is left."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_ml.compute.container import Container, Limits, Mount
from airflow_ml.compute.docker_engine import DockerEngine
from airflow_ml.compute.docker_launcher import DockerLauncher
from airflow_ml.compute.launcher import RunningStep
from airflow_ml.compute.orphans import find_orphans, kill_orphans
from airflow_ml.compute.process_launcher import ProcessLauncher
from airflow_ml.compute.request import ProcessRequest, inherited_environment

#: Each process starts the next one, in a session of its own, and leaves: whoever is looked for has just gone.
RUNAWAY = """
    while time.monotonic() < end:
        if os.fork():
            os._exit(0)
        os.setsid()
        time.sleep(0.002)
"""
#: Two hundred processes in sessions of their own that hear nothing, and a script that hears nothing.
CROWD = """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for _ in range(200):
        if os.fork() == 0:
            os.setsid()
            break
    time.sleep(end - time.monotonic())
"""
#: A script that leaves a grandchild behind and ends as if all were well.
DAEMON = """
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(end - time.monotonic())
        os._exit(0)
"""


@pytest.fixture(params=["process", pytest.param("docker", marks=pytest.mark.docker)])
def launch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[str], RunningStep]]:
    """Launch a script that says `up` when it begins; afterwards neither a process nor a container of it may be left."""
    marker = f"test-{uuid.uuid4().hex}"
    source = tmp_path / "script.py"
    steps: list[RunningStep] = []

    def start(text: str) -> RunningStep:
        source.write_text(
            "import os, signal, time\n"
            "end = time.monotonic() + 600\n"
            f"open({str(tmp_path / marker)!r}, 'w').close()\n"
            f"if True:\n{text.strip(chr(10))}\n"
        )
        common = {
            "argv": ("python3" if request.param == "docker" else sys.executable, str(source)),
            "cwd": tmp_path,
            "environment": inherited_environment() if request.param == "process" else {},
            "log_path": tmp_path / "log.txt",
            "attempt_directory": tmp_path,
            "marker": marker,
        }
        if request.param == "process":
            steps.append(ProcessLauncher().launch(ProcessRequest(**common)))
        else:
            image = request.getfixturevalue("docker_engine").image
            box = Container(
                image, mounts=(Mount(tmp_path, tmp_path, is_read_only=False),), limits=Limits(memory=1 << 30)
            )
            steps.append(DockerLauncher().launch(ProcessRequest(**common, container=box)))
        while not (tmp_path / marker).exists():
            assert steps[-1].wait(0.05) is None or (tmp_path / marker).exists()
        return steps[-1]

    yield start
    for step in steps:
        step.close()
    left = find_orphans(marker)
    kill_orphans(marker)
    assert left == ()
    if request.param == "docker":
        assert DockerEngine().find(f"airflow-ml-{marker}") is None


@pytest.mark.parametrize("source", [RUNAWAY, CROWD], ids=["runaway", "crowd"])
def test_is_stopped(launch, source):
    """A script that runs away from signals, or is deaf to them in a crowd, has ended soon after it was stopped."""
    step = launch(source)

    step.stop(0.5)

    assert step.wait(60) is not None


def test_a_daemon_ends_with_its_script(launch):
    """What a script has left running by a double fork is ended, and the outcome says that it was."""
    outcome = launch(DAEMON).wait(60)

    assert outcome is not None
    assert (outcome.exit_code, outcome.is_cut) == (0, True)
