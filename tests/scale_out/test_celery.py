"""Steps on two Celery workers of a real Airflow: where they run, and what becomes of them when something is killed."""

from __future__ import annotations

import ast
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from servers.scaled_out import ScaledOut, wait_for

if TYPE_CHECKING:
    from conftest import Project, Ran

WORKERS = ("cpu-cluster", "gpu-cluster")
KILLS = 20 if os.environ.get("AIRFLOW_ML_SOAK") else 1
GPU_STEPS = 100 if os.environ.get("AIRFLOW_ML_SOAK") else 8

pytestmark = [pytest.mark.celery, pytest.mark.service, pytest.mark.postgres, pytest.mark.timeout(300)]

#: Says that it runs, waits until it is told to go on, writes, and says that it is done.
WAIT = """
    import os, pathlib, sys, time
    place, out = map(pathlib.Path, sys.argv[1:])
    def say(name):
        with (place / name).open("a") as file:
            file.write(f"{os.getpid()}\\n")
    print("the script says hello", flush=True)
    say("began")
    while not (place / "go").exists():
        time.sleep(0.02)
    out.mkdir(parents=True, exist_ok=True)
    (out / "a.txt").write_text("written")
    print("the script says goodbye", flush=True)
    say("ended")
"""
WAITING_STEP = """
    out = PipelineData("out", is_directory=True)
    arguments = [place, out]
    steps = [PythonScriptStep("wait.py", "wait", arguments, outputs=[out], compute_target=cpu, source_directory=source)]
"""


def kill(airflow: ScaledOut, ran: Ran, what: str) -> None:
    """Kill a part of what runs the step `wait`."""
    task = airflow.tasks(ran.dag_id, ran.run_id)["wait"].pid
    assert task is not None
    airflow.kill(task, what, "cpu-cluster")


def test_workers_tell_which_queues_they_serve(project: Project) -> None:
    """By their answers the API server knows a queue that nobody serves."""
    code = "from airflow_ml.plugins.queue_watch import served_by_celery; print(sorted(served_by_celery()))"
    environment = dict(project.airflow.environment)

    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)

    assert {*WORKERS, "both"} <= {*ast.literal_eval(done.stdout.splitlines()[-1])}
    assert "gpus-of-nobody" not in done.stdout


def test_steps_go_to_the_queue_of_their_target(project: Project) -> None:
    """Each step runs in the worker of its target's queue, and what one has written the other reads."""
    project.script("write.py", "import sys; open(sys.argv[1], 'w').write('text')")
    project.script("read.py", "import sys; assert open(sys.argv[1]).read() == 'text'")

    ran = project.start("""
        data = PipelineData("data")
        write = PythonScriptStep(
            "write.py", "write", [data], outputs=[data], compute_target=cpu, source_directory=source
        )
        read = PythonScriptStep("read.py", "read", [data], inputs=[data], compute_target=gpu, source_directory=source)
        steps = [read]
    """)

    assert ran.finish() == "success"
    tasks = project.airflow.tasks(ran.dag_id, ran.run_id)
    assert {name: tasks[name].queue for name in ("write", "read")} == {"write": "cpu-cluster", "read": "gpu-cluster"}
    assert tasks["write"].hostname == tasks["read"].hostname
    for name, queue in (("write", "cpu-cluster"), ("read", "gpu-cluster")):
        log = (project.airflow.folder / f"worker-{queue}.log").read_text()
        assert f"run_id={ran.run_id}/task_id={name}/" in log


@pytest.mark.parametrize("what", ["task", "supervisor", "worker", "host"])
def test_a_step_survives_a_kill(project: Project, gone: Callable[[str], None], what: str) -> None:
    """Whatever is killed, the step is done once and its outputs committed, with no process and no lease left."""
    airflow = project.airflow
    project.script("wait.py", WAIT)
    ran = project.start(WAITING_STEP)
    wait_for("the script runs", lambda: project.lines("began"))
    [first] = ran.attempts("wait")

    kill(airflow, ran, what)
    gone(first.id)
    (project.place / "go").touch()

    assert ran.finish() == "success"
    attempts = ran.attempts("wait")
    assert [run.status for run in attempts] == ["Failed", "Completed"]
    assert len(project.lines("ended")) == 1
    assert ran.leases() == 0
    for run in attempts:
        gone(run.id)
    last = airflow.tasks(ran.dag_id, ran.run_id)["wait"].try_number
    log = airflow.log(ran.dag_id, ran.run_id, "wait", last)
    assert "the script says hello" in log
    assert "the script says goodbye" in log


@pytest.mark.soak
@pytest.mark.timeout(3000)
def test_kills_at_random_moments(project: Project, gone: Callable[[str], None]) -> None:
    """Whenever something is killed, before, in and after the script, the step completes once and nothing is left."""
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    (project.place / "go").touch()
    for number in range(KILLS):
        one = replace(project, dag_id=f"{project.dag_id}_{number}")
        one.script("wait.py", f"{WAIT}    # so that no result of another run is taken: {number}\n")
        ran = one.start(WAITING_STEP)
        wait_for("the task runs", lambda one=one, ran=ran: one.airflow.tasks(ran.dag_id, ran.run_id)["wait"].pid)
        time.sleep(chance.uniform(0.0, 1.0))  # the moment of the fault, not synchronisation
        kill(one.airflow, ran, chance.choice(["task", "supervisor", "worker", "host"]) if KILLS > 1 else "task")

        assert ran.finish(180) == "success"
        attempts = ran.attempts("wait")
        assert [run.status for run in attempts].count("Completed") == 1
        assert ran.leases() == 0
        for run in attempts:
            gone(run.id)


#: Writes down when it has its devices and when it lets them go; the clock is the same for all processes.
HOLD = """
    import os, sys, time
    devices = os.environ["CUDA_VISIBLE_DEVICES"].split(",")
    begin = time.monotonic()
    time.sleep(0.2)
    with open(sys.argv[1] + "/held", "a") as file:
        file.write("".join(f"{device},{begin},{time.monotonic()}\\n" for device in devices))
"""


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_devices_are_never_shared(project: Project) -> None:
    """Steps of one and two devices on two workers of one host: all run, no device has two at any time, none stays."""
    count = GPU_STEPS
    project.script("hold.py", HOLD)

    ran = project.start(f"""
        steps = [
            PythonScriptStep(
                "hold.py", f"hold_{{number}}", [place, number], compute_target=both, gpus=1 + number % 2,
                source_directory=source,
            )
            for number in range({count})
        ]
    """)

    assert ran.finish(60 + 10 * count) == "success"
    held = sorted(
        (device, float(begin), float(end)) for device, begin, end in (line.split(",") for line in project.lines("held"))
    )
    assert len(held) == count + count // 2
    assert [(one, other) for one, other in pairwise(held) if one[0] == other[0] and other[1] < one[2]] == []
    hosts = [(project.airflow.folder / f"worker-{queue}.log").read_text() for queue in WORKERS]
    assert all(f"run_id={ran.run_id}/task_id=hold_" in log for log in hosts)
    assert ran.leases() == 0


def test_a_reused_step_does_not_wait_for_devices(project: Project) -> None:
    """A step whose result is there ends while another one has all slots of its pool and all devices."""
    project.script("wait.py", WAIT)
    project.script("quick.py", "print('quick')")
    quick = """
        steps = [PythonScriptStep("quick.py", "quick", compute_target=gpu, gpus=1, source_directory=source)]
    """
    assert project.start(quick).finish() == "success"
    holder = replace(project, dag_id=f"{project.dag_id}_holder")
    holder.script("wait.py", WAIT)
    holding = holder.start("""
        out = PipelineData("out", is_directory=True)
        steps = [
            PythonScriptStep(
                "wait.py", "wait", [place, out], outputs=[out], compute_target=gpu, gpus=4, source_directory=source
            )
        ]
    """)
    wait_for("all devices are held", lambda: holder.lines("began"))

    again = project.again()

    assert again.finish() == "success"
    assert project.airflow.tasks(again.dag_id, again.run_id)["quick"].state == "skipped"
    assert project.airflow.state(holding.dag_id, holding.run_id) == "running"
    (project.place / "go").touch()
    assert holding.finish() == "success"
