"""Steps in containers on a Celery worker: whatever of them is killed, one container does the work to its end."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from docker.errors import APIError
from servers.docker_engine import BASE_IMAGE, DockerForTests
from servers.scaled_out import wait_for

from airflow_ml.compute.docker_engine import DockerEngine, home_label

if TYPE_CHECKING:
    from conftest import Project, Ran

pytestmark = [
    pytest.mark.celery,
    pytest.mark.docker,
    pytest.mark.service,
    pytest.mark.postgres,
    pytest.mark.timeout(300),
]

KILLS = ("task", "supervisor", "worker", "host", "container")
IS_SOAK = bool(os.environ.get("AIRFLOW_ML_SOAK"))
#: Kills at random moments, of each kind.
TRIALS = 20

#: Writes and says numbers; waits in their middle until it is told to go on, unless it may run through.
COUNT = """
    import os, pathlib, socket, sys, time
    from azureml.core import Run
    run = Run.get_context()
    out, waits = pathlib.Path(sys.argv[1]), sys.argv[2] == "waits"
    out.mkdir(parents=True, exist_ok=True)
    with (out / "numbers.txt").open("w") as file:
        for number in range(40):
            print("number", number, flush=True)
            print(number, file=file, flush=True)
            run.log("number", number)
            if number == 20 and waits:
                pathlib.Path("began").touch()
                while not pathlib.Path("go").exists():
                    time.sleep(0.02)
            time.sleep(0.02)
    (out / "host.txt").write_text(socket.gethostname())
"""
STEP = f"""
    from airflow_ml.core import Environment
    from airflow_ml.core.runconfig import DockerConfiguration, RunConfiguration
    configuration = RunConfiguration()
    configuration.environment = Environment("e")
    configuration.environment.docker.base_image = {BASE_IMAGE!r}
    configuration.environment.python.user_managed_dependencies = True
    configuration.docker = DockerConfiguration(use_docker=True)
    out = PipelineData("out", is_directory=True)
    steps = [
        PythonScriptStep(
            "count.py", "count", [out, WAITS], outputs=[out], compute_target=cpu, source_directory=source,
            runconfig=configuration,
        )
    ]
"""
NUMBERS = [str(number) for number in range(40)]


@pytest.fixture
def engine(docker_engine: DockerForTests, scaled_out: object) -> Iterator[DockerEngine]:
    """Give the machine's engine; afterwards no container of the home may be left."""
    yield DockerEngine()
    root = Path(os.environ["AIRFLOW_ML_HOME"])
    wait_for("containers are gone", lambda: not DockerEngine().find_all({"home": home_label(root)}), 60)


def start(project: Project, how: str) -> Ran:
    """Start a run whose script is like no other one's, so that no result of another run is taken."""
    project.script("count.py", f"{COUNT}    # {project.dag_id}\n")
    return project.start(STEP.replace("WAITS", repr(how)))


def folder_of(run_id: str) -> Path:
    """Return where the script of a step run is started."""
    return Path(os.environ["AIRFLOW_ML_HOME"], "w", "runs", run_id, "code")


def release(ran: Ran) -> None:
    """Let the scripts of all attempts go on."""
    for run in ran.attempts("count"):
        folder = folder_of(run.id)
        if folder.is_dir():
            (folder / "go").touch()


def finish(ran: Ran) -> str:
    """Wait for the run's end, with no script waiting, and return its state."""

    def has_ended() -> bool:
        release(ran)
        return ran.airflow.state(ran.dag_id, ran.run_id) in ("success", "failed")

    wait_for("the run ends", has_ended, 200)
    return ran.airflow.state(ran.dag_id, ran.run_id)


def kill(project: Project, ran: Ran, what: str, engine: DockerEngine) -> None:
    """Kill a part of what runs the step; a container that is not there is no error."""
    if what == "container":
        for run in ran.attempts("count"):
            with suppress(APIError):  # it does not run yet, or any more
                engine.client.kill(f"airflow-ml-{run.id}", "SIGKILL")
        return
    task = project.airflow.tasks(ran.dag_id, ran.run_id)["count"].pid
    if task is not None:
        project.airflow.kill(task, what, "cpu-cluster")


def check_done_once(ran: Ran, gone: Callable[[str], None]) -> list[str]:
    """Check that one attempt has done all of the work, that nothing of any is left, and return how they ended."""
    attempts = ran.attempts("count")
    [done] = [run for run in attempts if run.status == "Completed"]
    assert (ran.output(done, "out") / "numbers.txt").read_text().split() == NUMBERS
    assert ran.metric(done, "number") == [float(number) for number in NUMBERS]
    assert ran.leases() == 0
    for run in attempts:
        gone(run.id)
        assert not folder_of(run.id).exists()
    return [run.status for run in attempts]


@pytest.mark.parametrize("what", [what for what in KILLS if IS_SOAK or what != "worker"])
def test_one_container_does_the_work(project, engine, gone, what) -> None:
    """Task, supervisor, worker, its host: the next try goes on with the container; a killed one is made anew."""
    ran = start(project, "waits")
    wait_for("the script runs", lambda: any((folder_of(run.id) / "began").exists() for run in ran.attempts("count")))

    kill(project, ran, what, engine)

    assert finish(ran) == "success"
    assert check_done_once(ran, gone) == (["Failed", "Completed"] if what == "container" else ["Completed"])
    last = project.airflow.tasks(ran.dag_id, ran.run_id)["count"].try_number
    log = project.airflow.log(ran.dag_id, ran.run_id, "count", last).splitlines()
    assert [line for line in log if line.startswith("number ")] == [f"number {number}" for number in NUMBERS]


@pytest.mark.soak(only=True)
@pytest.mark.timeout(7000)
@pytest.mark.parametrize("what", KILLS)
def test_killed_at_random_moments(project, engine, gone, what) -> None:
    """Whenever one of them is killed, the step is done once, by one container, and nothing is left."""
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    for number in range(TRIALS):
        one = replace(project, dag_id=f"{project.dag_id}_{number}")
        ran = start(one, "runs through")
        wait_for("the task runs", lambda one=one, ran=ran: one.airflow.tasks(ran.dag_id, ran.run_id)["count"].pid)
        time.sleep(chance.uniform(0.0, 3.0))  # the moment of the fault, not synchronisation
        kill(one, ran, what, engine)

        assert finish(ran) == "success"
        check_done_once(ran, gone)
