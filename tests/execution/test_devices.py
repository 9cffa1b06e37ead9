"""Steps that take devices: what they see, that they wait, and that nothing keeps a device for good."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from forking import die, fork

from airflow_ml.compute.device_locks import open_lock
from airflow_ml.compute.device_queue import Overview, device_folder, overview
from airflow_ml.compute.orphans import find_orphans
from airflow_ml.compute.process_launcher import ProcessLauncher
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.core.runconfig import RunConfiguration
from airflow_ml.exceptions import ComputeTargetException, GraphError, StepLostError
from airflow_ml.execution import device_waits, step_attempt
from airflow_ml.execution.following import Follower
from airflow_ml.execution.stopping import StepStopped
from airflow_ml.pipeline.core import Pipeline, PipelineData

SOAK = bool(os.environ.get("AIRFLOW_ML_SOAK"))

#: Leaves a mark for each of its devices that no other step may have left, and one for its end.
USE = """
import os, sys, time
places = [f"{sys.argv[1]}/{device}" for device in os.environ["CUDA_VISIBLE_DEVICES"].split(",")]
for place in places:
    os.close(os.open(place, os.O_CREAT | os.O_EXCL))
time.sleep(float(sys.argv[2]))
for place in places:
    os.unlink(place)
"""

#: Prints what it sees.
TELL = """
import os
import random
print("sees", repr(os.environ.get("CUDA_VISIBLE_DEVICES")), repr(os.environ.get("NVIDIA_VISIBLE_DEVICES")), flush=True)
"""


@pytest.fixture(autouse=True)
def devices(monkeypatch, home):
    """Four devices that are there in name alone; none is held after the test."""
    monkeypatch.setenv("AIRFLOW_ML_DEVICES", "fake:4")
    yield
    assert not any(device.is_held for device in state(home).devices)
    assert not state(home).waiting


def state(home: Path) -> Overview:
    """Return who has which device."""
    return overview(home / "locks" / "devices")


@pytest.fixture
def target(workspace) -> Callable[[str], str]:
    """Return a function that makes a compute target of a size."""

    def make(size: str) -> str:
        config = AmlCompute.provisioning_configuration(size, max_nodes=1)
        return ComputeTarget.create(workspace, size.lower().replace("_", "-"), config).name

    return make


@pytest.fixture
def held(services):
    """Hold all devices, but those that are named, until the returned function is called."""
    locks = []

    def hold(*spared: str) -> Callable[[], None]:
        folder = device_folder(services.home)
        folder.mkdir(parents=True, exist_ok=True)
        found = [open_lock(folder, f"fake-{number}") for number in range(4) if f"fake-{number}" not in spared]
        locks.extend(found)
        return lambda: [lock.close() for lock in found]

    yield hold
    for lock in locks:
        lock.close()


def sees(started) -> str:
    """Return what the script saw of the variables."""
    return next(line for line in started.log if line.startswith("sees")).removeprefix("sees ")


def test_a_step_has_the_devices_that_it_asks_for(script, start):
    """`gpus=2` gives two of the machine's four, and the log names them."""
    started = start(script(TELL, gpus=2))
    started.run()

    assert sees(started) == "'fake-0,fake-1' 'fake-0,fake-1'"
    assert "step 'step' has devices fake-0, fake-1" in started.log


@pytest.mark.parametrize(
    ("size", "expected"),
    [("STANDARD_NC24", "'fake-0,fake-1,fake-2,fake-3'"), ("STANDARD_NC6", "'fake-0'"), ("STANDARD_D2_V2", "''")],
)
def test_a_step_has_what_its_node_has(script, start, target, size, expected):
    """Without `gpus` a step has as many devices as a node of its target, none on a node without (v1 rule)."""
    started = start(script(TELL, compute_target=target(size)))
    started.run()

    assert sees(started).startswith(expected)


def test_a_step_that_takes_none_sees_none(script, start, target):
    """`gpus=0` is allowed on a node with GPUs, and hides them."""
    started = start(script(TELL, compute_target=target("STANDARD_NC24"), gpus=0))
    started.run()

    assert sees(started) == "'' 'void'"


def test_a_step_of_no_known_size_sees_what_the_worker_sees(script, start, monkeypatch):
    """Without a target, nothing is leased and nothing is hidden."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    started = start(script(TELL))
    started.run()

    assert sees(started).startswith("'3'")


def test_what_a_step_sets_itself_does_not_count(script, start):
    """A step cannot reach for a device that it was not given."""
    config = RunConfiguration()
    config.environment_variables = {"CUDA_VISIBLE_DEVICES": "0,1,2,3"}
    started = start(script(TELL, gpus=1, runconfig=config))
    started.run()

    assert sees(started).startswith("'fake-0'")


def test_more_than_a_node_has_is_refused_when_the_graph_is_built(script, workspace, target):
    """The text names the step, the target, its size, and what would fit."""
    words = r"step 'step': gpus=3, but a node of compute target 'standard-nc12' \(Standard_NC12\) has 2; at most 2"
    with pytest.raises(GraphError, match=words):
        Pipeline(workspace, [script(TELL, compute_target=target("STANDARD_NC12"), gpus=3)])


@pytest.mark.parametrize("value", [-1, 1.5, "2", True])
def test_what_is_no_number_of_gpus_is_refused(script, value):
    """Only whole numbers from 0 on are taken."""
    with pytest.raises(GraphError, match=r"step 'step': gpus is .*, expected a whole number from 0 on"):
        script(TELL, gpus=value)


def test_more_than_the_machine_has_is_refused(script, start):
    """A step without a known size meets its machine in the run, and fails at once instead of waiting for ever."""
    error = start(script(TELL, gpus=5)).fail()

    assert isinstance(error, ComputeTargetException)
    assert "step 'step': 5 devices asked for, and this machine has 4 devices" in str(error)


def test_a_machine_without_devices(script, start, target, monkeypatch, tmp_path):
    """A step of a GPU size runs there, loudly; one that says `gpus` is refused, unless that is waived."""
    monkeypatch.setenv("AIRFLOW_ML_DEVICES", "")
    monkeypatch.setattr("airflow_ml.compute.devices.shutil.which", lambda *_, **__: None)
    monkeypatch.setattr("airflow_ml.compute.devices._DRIVER", tmp_path / "none")
    implicit = start(script(TELL, compute_target=target("STANDARD_NC6")))
    implicit.run()

    assert "step 'step' runs WITHOUT the 1 device of its compute target: this machine has none" in implicit.log
    assert "and this machine has none" in str(start(script(TELL, gpus=1, allow_reuse=False)).fail())
    monkeypatch.setenv("AIRFLOW_ML_DEVICES", "none")
    start(script(TELL, gpus=1, allow_reuse=False)).run()


def test_the_number_of_devices_is_no_part_of_a_fingerprint(script, start):
    """A step is reused with another number of devices, and a reused step waits for none."""
    out = PipelineData("out")
    source = "import sys; open(sys.argv[1], 'w').write('x')"
    first = start(script(source, out, outputs=[out], gpus=1))
    done = first.run()
    out = PipelineData("out")
    second = start(script(source, out, outputs=[out], gpus=5))

    assert second.run().outputs["out"].digest == done.outputs["out"].digest


def test_a_reused_step_does_not_wait(script, start, held):
    """The lease comes after the decision: all devices are held, and the step ends."""
    out = PipelineData("out")
    source = "import sys; open(sys.argv[1], 'w').write('x')"
    start(script(source, out, outputs=[out], gpus=1)).run()
    held()
    out = PipelineData("out")
    again = start(script(source, out, outputs=[out], gpus=1))

    again.run()

    assert not any("waits for" in line for line in again.log)


def test_a_step_waits_and_says_for_whom(script, start, held):
    """It is queued while others have what it needs, says who, and goes on when that is given back."""
    release = held("fake-3")
    started = start(script(TELL, gpus=2))
    seen = []

    def note(line: str) -> None:
        if "waits for" in line:
            seen.append(started.last().status)
            release()

    started.on_line = note
    started.run()

    assert seen == ["Queued"]
    assert any("step 'step' waits for 2 of 4 devices: fake-0 is being given back" in line for line in started.log)
    assert sees(started).startswith("'fake-0,fake-1'")


def test_a_step_that_waits_can_be_stopped(script, start, held):
    """A request to stop ends the wait."""
    held()
    started = start(script(TELL, gpus=1))
    started.on_line = lambda line: setattr(started, "is_stopped", started.is_stopped or "waits for" in line)

    with pytest.raises(StepStopped, match="was stopped while it waited for devices: its task was ended from outside"):
        started.run()

    assert started.last().status == "Canceled"


def test_waiting_does_not_use_up_the_time_of_the_script(script, start, held, monkeypatch):
    """`max_run_duration_seconds` counts from the script's start."""
    config = RunConfiguration()
    config.max_run_duration_seconds = 30
    release = held()
    started = start(script(TELL, gpus=1, runconfig=config))
    real = device_waits.time.sleep
    clock = [time.monotonic()]
    monkeypatch.setattr("airflow_ml.execution.stopping.time.monotonic", lambda: clock[0])
    looks = []

    def sleep(seconds: float) -> None:
        looks.append(seconds)
        clock[0] += 20
        if len(looks) == 5:
            release()
        real(0.001)

    monkeypatch.setattr(device_waits.time, "sleep", sleep)

    started.run()

    assert len(looks) >= 5


def test_a_lost_device_is_not_the_scripts_fault(script, start, monkeypatch, tmp_path):
    """A script that fails with its device is tried again, on another one; the lost one is put aside."""
    gpus = tmp_path / "gpus"
    gpus.write_text("GPU-a, T4, 1, 0\nGPU-b, T4, 1, 0\n")
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\ncase $1 in *compute*) ;; *) cat {gpus};; esac\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("AIRFLOW_ML_DEVICES", "nvidia")
    source = f"""
    import os
    if os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-a":
        open({str(gpus)!r}, "w").write("GPU-b, T4, 1, 0\\n")
        raise SystemExit("CUDA error: device lost")
    """
    started = start(script(source, gpus=1))

    error = started.fail()

    assert isinstance(error, StepLostError)
    assert "step 'step' lost a device while its script ran: device GPU-a: the driver has lost it" in str(error)
    gpus.write_text("GPU-a, T4, 1, 0\nGPU-b, T4, 1, 0\n")  # it is back, and not trusted yet
    again = start(script(source, gpus=1))
    again.run()
    assert "step 'step' has device GPU-b" in again.log


def test_a_failing_script_gives_its_device_back(script, start):
    """It is the script's failure as long as the device is well."""
    error = start(script("raise SystemExit(3)", gpus=4)).fail()

    assert "ended with exit code 3" in str(error)


#: Leaves processes in sessions of their own, one of which ignores requests to end, and ends.
DOUBLE_FORK = """
import os, signal, sys
for number in range(2):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            if number:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            open(f"{sys.argv[1]}/{os.getpid()}", "w").close()
            while True: signal.pause()
        os._exit(0)
    os.wait()
while len(os.listdir(sys.argv[1])) < 2: pass
"""


def test_a_device_is_held_until_all_that_was_started_is_gone(script, start, tmp_path, home):
    """What a script has left in the background still uses its device; afterwards it is free."""
    marks = tmp_path / "marks"
    marks.mkdir()
    started = start(script(DOUBLE_FORK, str(marks), gpus=1))
    overlaps = []

    def watch() -> None:
        folder = device_folder(started.services.home)
        while not done.wait(0.005):
            lock = open_lock(folder, "fake-0") if (folder / "fake-0.lock").exists() else None
            if lock is not None:
                overlaps.extend(mark.name for mark in marks.iterdir() if Path("/proc", mark.name).exists())
                lock.close()

    done = threading.Event()
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        started.run()
    finally:
        done.set()
        watcher.join()

    assert len([*marks.iterdir()]) == 2
    assert overlaps == []


def kill(started, *, keepers: bool, scripts: bool) -> None:
    """Kill keepers or scripts of the newest attempt, and the task's own process."""
    for orphan in find_orphans(started.last("killed").id):
        if keepers if orphan.is_keeper else scripts:
            os.kill(orphan.pid, signal.SIGKILL)
    die()


def in_script(**who: bool) -> Callable[..., None]:
    """Return what makes the task die at its first look at the running script."""
    return lambda started, patch: patch.setattr(Follower, "look", lambda *_: kill(started, **who))


def at(owner: object, name: str) -> Callable[..., None]:
    """Return what makes the task die before it calls a function."""
    return lambda _started, patch: patch.setattr(owner, name, die)


def behind(owner: object, name: str) -> Callable[..., None]:
    """Return what makes the task die when a function has done its work."""

    def prepare(_started, patch) -> None:
        real = getattr(owner, name)
        patch.setattr(owner, name, lambda *given, **named: (real(*given, **named), die()))

    return prepare


POINTS = {
    "before the wait": at(device_waits, "Turn"),
    "the locks just taken": at(device_waits, "find_hindrances"),
    "before the launch": at(ProcessLauncher, "launch"),
    "after the launch": behind(ProcessLauncher, "launch"),
    "task": in_script(keepers=False, scripts=False),
    "task and keeper": in_script(keepers=True, scripts=False),
    "task and script": in_script(keepers=False, scripts=True),
    "all of them": in_script(keepers=True, scripts=True),
    "before the commit": at(step_attempt, "commit_outputs"),
}


@pytest.mark.parametrize("point", POINTS)
def test_nothing_keeps_a_device_of_who_was_killed(script, start, tmp_path, monkeypatch, point):
    """Wherever task, keeper or script are killed, the next step has the devices, and no process is left."""
    source = "import subprocess, sys, time\nsubprocess.Popen(['sleep', '60'], start_new_session=True)\ntime.sleep(60)"
    quick = "commit" in point
    started = start(script("pass" if quick else source, gpus=4, name="killed"))

    def work() -> None:
        POINTS[point](started, monkeypatch)
        started.run("killed")

    pid = fork(work)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status)

    after = start(script(TELL, gpus=4, name="after"))
    after.run("after")

    assert sees(after).startswith("'fake-0,fake-1,fake-2,fake-3'")
    assert find_orphans(started.last("killed").id) == ()


def test_many_steps_of_one_and_two_devices(script, start, tmp_path, home):
    """Steps that run at once never have a device together, all of them end, and nothing is held afterwards."""
    workers, rounds = (5, 20) if SOAK else (4, 2)
    marks = tmp_path / "marks"
    marks.mkdir()
    steps = [
        script(USE, str(marks), 0.05, name=f"s{number}", gpus=1 + number % 2, allow_reuse=False)
        for number in range(workers * rounds)
    ]
    started = start(*steps)

    def work(mine: int) -> None:
        for number in range(mine, len(steps), workers):
            started.run(f"s{number}")
        (tmp_path / f"done-{mine}").touch()

    children = [fork(lambda mine=mine: work(mine)) for mine in range(workers)]
    for child in children:
        os.waitpid(child, 0)

    assert len([*tmp_path.glob("done-*")]) == workers
    assert not [*marks.iterdir()]


#: Locks a file for each of its devices, which no kill leaves locked, and says so if another step has one of them.
USE_LOCKED = """
import fcntl, os, subprocess, sys, time
held = [open(f"{sys.argv[1]}/{device}", "w") for device in os.environ["CUDA_VISIBLE_DEVICES"].split(",")]
for file in held:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        open(f"{sys.argv[1]}/overlap-{os.getpid()}", "w").close()
child = subprocess.Popen(["sleep", "60"], start_new_session=True, pass_fds=[file.fileno() for file in held])
time.sleep(0.1)
child.kill()
child.wait()
"""


@pytest.mark.soak
def test_kills_at_random_moments(script, start, tmp_path, home):
    """Whatever is killed at whatever moment, no two steps have one device, and what is left runs to its end."""
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    marks = tmp_path / "marks"
    marks.mkdir()
    for trial in range(40 if SOAK else 2):
        steps = [
            script(USE_LOCKED, str(marks), name=f"t{trial}s{number}", gpus=1 + number % 3, allow_reuse=False)
            for number in range(4)
        ]
        started = start(*steps)
        children = {step.name: fork(partial(started.run, step.name, is_retried=bool)) for step in steps}
        for name, child in [*children.items()][:3]:
            time.sleep(chance.uniform(0.0, 0.3))  # the moment of the fault, not synchronisation
            kill_some(started, name, child, chance)
        for child in children.values():
            os.waitpid(child, 0)
        for step in steps:
            started.run(step.name)

    assert not [*marks.glob("overlap-*")]


def kill_some(started, name: str, child: int, chance: random.Random) -> None:
    """Kill the task of a step, its keeper, its script, or two of them."""
    attempts = started.services.registry.runs.attempts(started.id, name)
    processes = [orphan.pid for orphan in find_orphans(attempts[0].id)] if attempts else []
    for pid in chance.sample([child, *processes], k=min(1 + len(processes), chance.randint(1, 2))):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
