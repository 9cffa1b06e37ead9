"""The processes of a distributed step on one node, started as the launcher starts them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.runtime import ranks

Starter = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start(tmp_path: Path) -> Starter:
    """Write a script and a plan for some ranks of it, and start them."""
    (tmp_path / "user_logs").mkdir()

    def start(source: str, count: int = 2, *, path: str | None = None, **more: object) -> subprocess.Popen[bytes]:
        (tmp_path / "script.py").write_text(textwrap.dedent(source))
        processes = [
            {"rank": rank, "variables": {"RANK": str(rank)}, "log": f"user_logs/std_log_process_{rank}.txt"}
            for rank in range(count)
        ]
        plan = {"is_mpi": False, "nodes": 1, "servers": [], "processes": processes, **more}
        plan.setdefault("command", [sys.executable, str(tmp_path / "script.py")])
        (tmp_path / ranks.PLAN).write_text(json.dumps(plan))
        environment = {**os.environ, "AIRFLOW_ML_RUN_DIRECTORY": str(tmp_path), "PYTHONUNBUFFERED": "1"}
        if path is not None:
            environment["PATH"] = path
        command = [sys.executable, "-I", ranks.__file__]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    return start


def test_each_rank_has_its_log_and_all_have_one(start: Starter, tmp_path: Path):
    """The common log says of each line whose it is; a last line without its end is there too."""
    started = start("import os; print('first'); print('rank', os.environ['RANK'], end='')")

    output, _ = started.communicate(timeout=60)

    assert started.returncode == 0
    assert sorted(output.decode().splitlines()) == ["[0] first", "[0] rank 0", "[1] first", "[1] rank 1"]
    assert (tmp_path / "user_logs" / "std_log_process_1.txt").read_text() == "first\nrank 1"


def test_a_failing_rank_ends_the_others(start: Starter, tmp_path: Path):
    """The others are ended, also one that ignores SIGTERM, and the first that failed is written down."""
    started = start(
        """
        import os, signal, sys, time
        if os.environ["RANK"] == "1":
            sys.exit(7)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
        """,
        count=3,
    )

    started.communicate(timeout=60)

    assert started.returncode == 7
    assert json.loads((tmp_path / ranks.FAILURE).read_text()) == {"rank": 1, "code": 7}


def test_a_rank_that_is_killed_fails(start: Starter, tmp_path: Path):
    """A signal is a failure as well, and the exit code is a shell's."""
    started = start("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", count=1)

    started.communicate(timeout=60)

    assert started.returncode == 128 + signal.SIGKILL
    assert json.loads((tmp_path / ranks.FAILURE).read_text()) == {"rank": 0, "code": -signal.SIGKILL}


def test_stopping_ends_all_ranks(start: Starter, tmp_path: Path):
    """SIGTERM to the starter goes on to every rank, and is no failure of one."""
    started = start("import time; print('here', flush=True); time.sleep(600)")
    assert started.stdout is not None
    assert {started.stdout.readline(), started.stdout.readline()} == {b"[0] here\n", b"[1] here\n"}

    started.terminate()
    started.communicate(timeout=60)

    assert started.returncode == 128 + signal.SIGTERM
    assert not (tmp_path / ranks.FAILURE).exists()


def test_parameter_servers_end_with_the_workers(start: Starter):
    """A parameter server waits for ever; it is ended, and counts as having ended well."""
    started = start("import os, time; time.sleep(600 * int(os.environ['RANK']))", servers=[1])

    started.communicate(timeout=60)

    assert started.returncode == 0


def test_mpis_own_starter_is_taken(start: Starter, tmp_path: Path):
    """Where the environment has mpirun, it starts the processes, and each is still looked after."""
    starter = tmp_path / "bin" / "mpirun"
    starter.parent.mkdir()
    text = """\
        #!/bin/sh
        [ "$1" = -n ] || exit 9
        count=$2; shift 2
        for rank in $(seq 0 $((count - 1))); do OMPI_COMM_WORLD_RANK=$rank "$@" & done
        wait
    """
    starter.write_text(textwrap.dedent(text))
    starter.chmod(0o755)
    path = f"{starter.parent}{os.pathsep}{os.environ['PATH']}"

    started = start("import os; print('rank', os.environ['RANK'])", path=path, is_mpi=True)
    output, _ = started.communicate(timeout=60)

    assert sorted(output.decode().splitlines()) == ["[0] rank 0", "[1] rank 1"]
    assert (tmp_path / "user_logs" / "std_log_process_1.txt").read_text() == "rank 1\n"


def test_a_program_that_is_missing_is_named(start: Starter):
    """A command that cannot be started fails with a sentence, not with a traceback."""
    started = start("", command=["/does/not/exist"])

    output, _ = started.communicate(timeout=60)

    assert started.returncode == 127
    assert output.startswith(b"airflow-ml: rank 0 could not be started: [Errno 2]")
