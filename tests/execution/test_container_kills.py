"""`kill -9` around a step in a container: one container does the work, whoever of its guardians dies."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from forking import after, before, die, fork

from airflow_ml.compute import docker_launcher
from airflow_ml.compute.container_keeper import KEEPER_VARIABLE
from airflow_ml.compute.container_step import ContainerStep
from airflow_ml.compute.docker_engine import DockerEngine
from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution import outputs, running, step_attempt
from airflow_ml.execution.following import Follower
from airflow_ml.execution.kept_attempts import KeptAttempt
from airflow_ml.execution.pipelines import close_pipeline
from airflow_ml.execution.resuming import Survivor
from airflow_ml.pipeline.core import PipelineData

pytestmark = pytest.mark.docker

#: Steps that are killed at random moments: one in every run of the tests, many by `make soak`.
TRIALS = 20 if os.environ.get("AIRFLOW_ML_SOAK") else 1

#: Says which container it is in, and logs, writes and prints so much that it runs for half a second.
SOURCE = """
import os, sys, time
from azureml.core import Run
run = Run.get_context()
print("running", flush=True)
with open(sys.argv[1], "w") as file:
    for line in range(25):
        run.log("line", line)
        print("line", line, flush=True)
        print(line, file=file, flush=True)
        time.sleep(0.02)
"""
LINES = "".join(f"{line}\n" for line in range(25))


#: Where the task dies before its container runs, and nothing is there to go on with.
EARLY = {
    "before the container is made": before(docker_launcher, "create_options"),
    "after the container is made": before(DockerEngine, "start"),
}
LATE = {
    "after the container is started": before(ContainerStep, "watch"),
    "while the script runs": after(Follower, "look"),
    "before an event is noted": before(KeptAttempt, "note_events"),
    "after the script ended": before(running, "_collect"),
    "after an output is committed": after(outputs, "commit_output"),
    "before end_attempt": before(step_attempt, "end_attempt"),
}


@pytest.fixture
def started(script, start, in_container):
    """A run of one step with one output, in a container."""
    out = PipelineData("out")
    return start(script(SOURCE, out, outputs=[out], runconfig=in_container()))


def keepers(marker: str) -> list[int]:
    """Return the processes that keep the container of an attempt."""
    wanted, found = f"{KEEPER_VARIABLE}={marker}".encode(), []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # gone meanwhile
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def die_in(started, phase: Callable[[], None]) -> None:
    """Run an attempt in a process of its own, which is killed in this phase."""

    def work() -> None:
        phase()
        started.run()

    _, status = os.waitpid(fork(work), 0)
    assert os.WIFSIGNALED(status)


def check_whole(started, attempts: int) -> None:
    """Run the next attempt: the output is whole, nothing is doubled, and there were so many attempts."""
    result = started.run(waits=True)

    assert close_pipeline(started.services, started.id).status == "Completed"
    assert started.output("out").read_text() == LINES
    values = [point.value for point in started.services.registry.metrics.read(result.step_run_id, "line")]
    assert values == [*range(25)]
    runs = started.services.registry.runs.attempts(started.id, "step")
    assert len(runs) == attempts
    assert not started.leftovers()
    assert not any(keepers(run.id) for run in runs)


@pytest.mark.parametrize("phase", EARLY)
def test_a_container_that_never_ran_is_nobodys(started, phase):
    """A task that dies before its script runs leaves nothing to go on with; the next attempt starts anew."""
    die_in(started, EARLY[phase])

    check_whole(started, attempts=2)


@pytest.mark.parametrize("phase", LATE)
def test_the_next_try_goes_on(started, phase):
    """Wherever the task dies while its script runs or after it, the same container's work is what counts."""
    die_in(started, LATE[phase])

    check_whole(started, attempts=1)


def test_a_death_behind_the_end_leaves_no_container(started):
    """A task that dies when its step is recorded leaves a container that the next attempt removes."""
    die_in(started, after(step_attempt, "end_attempt"))

    check_whole(started, attempts=2)


def test_the_log_goes_on(started):
    """The next try shows the script's whole output, from before the death as well."""
    die_in(started, LATE["while the script runs"])

    started.run()

    assert [line for line in started.log if line.startswith("line ")] == [f"line {number}" for number in range(25)]


def test_a_killed_keeper_is_replaced(started):
    """When the keeper alone dies, the container computes on under another one."""
    killed = []

    def kill_keeper(_line: str) -> None:
        for pid in keepers(started.last().id) if not killed else ():
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

    started.on_line = kill_keeper

    check_whole(started, attempts=1)
    assert killed


def test_task_and_keeper_may_die_at_once(started):
    """When both are killed, the next try gives the container another keeper."""

    def kill_both(*_: object) -> None:
        for pid in keepers(started.last().id):
            os.kill(pid, signal.SIGKILL)
        die()

    die_in(started, lambda: setattr(Follower, "look", kill_both))

    check_whole(started, attempts=1)


def test_a_killed_container_is_tried_again(started, docker_engine):
    """A container that is killed from outside is the machine's failure: the next attempt starts another one."""

    def kill(line: str) -> None:
        if line == "line 3" and len(started.services.registry.runs.attempts(started.id, "step")) == 1:
            docker_engine.client.api.kill(f"airflow-ml-{started.last().id}", "SIGKILL")

    started.on_line = kill
    with pytest.raises(AzureMLException, match="killed from outside"):
        started.run(is_retried=lambda _error: True)

    check_whole(started, attempts=2)


def test_a_step_that_would_do_other_work_starts_anew(started, monkeypatch):
    """What a dead try computes with inputs that have changed meanwhile is not taken: its container is removed."""
    die_in(started, LATE["while the script runs"])
    monkeypatch.setattr(Survivor, "fits", lambda *_: False)

    check_whole(started, attempts=2)


@pytest.mark.soak
@pytest.mark.parametrize("trial", range(TRIALS))
def test_killed_at_a_random_moment(started, trial):
    """Killed at any moment, once or more often, the step is done once, by as few containers as can be."""
    chance = random.Random(trial)
    for _ in range(chance.randint(1, 2)):
        pid = fork(lambda: started.run())
        with subprocess.Popen(["sleep", str(chance.uniform(0.05, 1.2))]) as clock:
            clock.wait()
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

    started.run(waits=True)

    assert started.output("out").read_text() == LINES
    assert not started.leftovers()
