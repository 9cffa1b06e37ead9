from __future__ import annotations

import os
import signal
import subprocess
import sys

from airflow_ml.compute.orphans import find_orphans, kill_orphans

SLEEP = "import time; time.sleep(600)"


def test_finds_by_exact_marker(launch, barrier, marker):
    """Keeper and script of an attempt are found by its marker, and by that alone."""
    step = launch(f"{barrier.report}; {SLEEP}")
    barrier.wait()

    found = {orphan.pid: orphan.is_keeper for orphan in find_orphans(marker)}

    assert found == {step.keeper_pid: True, step.pid: False}
    assert find_orphans(marker[:-1]) == ()


def test_kills_what_two_deaths_left(launch, barrier, marker, has_ended):
    """A child whose keeper and script were killed is found and killed by the next attempt."""
    child = f"import signal; signal.signal(15, signal.SIG_IGN); {barrier.report}; {SLEEP}"
    step = launch(f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]); {SLEEP}")
    (pid,) = barrier.wait()
    os.kill(step.keeper_pid, signal.SIGKILL)
    assert has_ended(step.pid)

    killed = kill_orphans(marker)

    assert [orphan.pid for orphan in killed] == [pid]
    assert has_ended(pid, 0)


def test_living_keeper_cleans_up(launch, barrier, marker, has_ended):
    """A keeper that is still there is asked first, since it reaches processes that have emptied their environment."""
    child = f"{barrier.report}; {SLEEP}"
    launch(f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}], env={{}}); {SLEEP}")
    (pid,) = barrier.wait()

    kill_orphans(marker)

    assert has_ended(pid, 0)


def test_nothing_to_do(marker):
    """Without orphans nothing is done and nothing returned."""
    assert kill_orphans(marker) == ()


def test_not_the_caller_itself(marker):
    """A process that carries the marker and looks for orphans is not one of them."""
    source = f"from airflow_ml.compute.orphans import kill_orphans; print(kill_orphans({marker!r}))"

    done = subprocess.run(
        [sys.executable, "-c", source], env={"AIRFLOW_ML_ATTEMPT": marker}, capture_output=True, text=True
    )

    assert done.stdout == "()\n"
