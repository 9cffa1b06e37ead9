"""`kill -9` of the task's process in every phase: no orphan, no leftover, and the next attempt completes."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest
from forking import after, before, die, fork

from airflow_ml.compute.orphans import find_orphans
from airflow_ml.compute.process_launcher import ProcessLauncher
from airflow_ml.core import Run, Workspace
from airflow_ml.execution import outputs, preparation, running, step_attempt
from airflow_ml.execution.following import Follower
from airflow_ml.execution.pipelines import close_pipeline
from airflow_ml.pipeline.core import PipelineData

#: Steps that are killed at random moments: a few in every run of the tests, many by `make soak`.
TRIALS = 150 if os.environ.get("AIRFLOW_ML_SOAK") else 3

SOURCE = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
print("running", flush=True)
for place in sys.argv[1:]:
    with open(place, "w") as file:
        for line in range(50):
            print(line, file=file, flush=True)
            time.sleep(0.002)
"""


PHASES = {
    "after begin_attempt": after(step_attempt, "begin_attempt"),
    "inside prepare": after(preparation, "stage_inputs"),
    "before launch": before(ProcessLauncher, "launch"),
    "right after launch": after(ProcessLauncher, "launch"),
    "while the script runs": after(Follower, "look"),
    "after the script ended": before(running, "_collect"),
    "before the first output": before(outputs, "commit_output"),
    "between two outputs": after(outputs, "commit_output"),
    "before end_attempt": before(step_attempt, "end_attempt"),
    "after end_attempt": after(step_attempt, "end_attempt"),
}


def seconds_until_gone(marker: str) -> float:
    """Return how long it takes until no process carries an attempt's marker, at most ten seconds."""
    begun = time.monotonic()
    while find_orphans(marker) and time.monotonic() - begun < 10:
        time.sleep(0.02)  # there is nothing to wait on: not all of them are known
    return time.monotonic() - begun


@pytest.fixture
def started(script, start):
    """A run of one step with two outputs."""
    one, two = PipelineData("one"), PipelineData("two")
    return start(script(SOURCE, one, two, outputs=[one, two]))


def check_recovered(started) -> None:
    """Run the next attempt and see that it is as if nothing had happened."""
    lost = started.last() if started.services.registry.runs.attempts(started.id, "step") else None
    result = started.run(waits=True)
    verdict = close_pipeline(started.services, started.id)

    text = "".join(f"{line}\n" for line in range(50))
    assert verdict.status == "Completed"
    assert [started.output(name).read_text() for name in ("one", "two")] == [text, text]
    assert [run.id for run in started.services.registry.runs.steps(started.id)] == [result.step_run_id]
    assert not started.leftovers()
    if lost is not None:
        assert not find_orphans(lost.id)
        lost = started.services.registry.runs.get(lost.id)
        assert lost.is_final
        assert lost.status == "Completed" or "was lost" in lost.error["message"]


@pytest.mark.parametrize("phase", PHASES)
def test_the_next_attempt_completes(started, phase):
    """Wherever the task's process is killed, nothing of it runs on and the next attempt is right."""

    def work() -> None:
        PHASES[phase]()
        started.run()

    _, status = os.waitpid(fork(work), 0)

    assert os.WIFSIGNALED(status)
    assert seconds_until_gone(started.last().id) < 3  # the keeper takes half a second
    check_recovered(started)


def test_a_killed_keeper_takes_the_script_along(started):
    """When keeper and task die at once, the script dies by the kernel and the next attempt ends its children."""

    def kill_both(*_: object) -> None:
        for orphan in find_orphans(started.last().id):
            if orphan.is_keeper:
                os.kill(orphan.pid, signal.SIGKILL)
        die()

    def work() -> None:
        Follower.look = kill_both
        started.run()

    os.waitpid(fork(work), 0)

    check_recovered(started)


def test_the_log_of_a_lost_attempt_is_kept(started):
    """What the script of a lost attempt had said is in its run's log."""

    def work() -> None:
        real = Follower.look
        Follower.look = lambda self: (real(self), die() if "running" in started.log else None)
        started.run()

    os.waitpid(fork(work), 0)
    lost = started.last().id
    started.run()

    assert Run.get(Workspace.get("w"), lost).get_stdout_log().startswith("running")


def test_a_lost_step_without_another_attempt_fails_its_pipeline(started):
    """Closing the pipeline's run closes a lost step with it and clears away what it left."""

    def work() -> None:
        PHASES["while the script runs"]()
        started.run()

    os.waitpid(fork(work), 0)

    verdict = close_pipeline(started.services, started.id)

    assert verdict.status == "Failed"
    assert "was lost" in verdict.error["message"]
    assert not started.leftovers()


@pytest.mark.soak
def test_kills_at_random_moments(script, start, monkeypatch):
    """At whatever moment the process is killed, however often, the last attempt completes."""
    monkeypatch.setenv("AIRFLOW_ML_LEASE_SECONDS", "0.5")  # one that died before it was recorded is waited for
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    for _ in range(TRIALS):
        one, two = PipelineData("one"), PipelineData("two")
        started = start(script(SOURCE, one, two, outputs=[one, two]))
        for _ in range(chance.randint(1, 3)):
            pid = fork(started.run)
            time.sleep(chance.uniform(0.0, 0.7))  # the moment of the fault, not synchronisation
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        check_recovered(started)
