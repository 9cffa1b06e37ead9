"""Steps whose scripts run in containers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from forking import before, die, fork

from airflow_ml.cli.main import main
from airflow_ml.compute.docker_engine import DockerEngine, home_label
from airflow_ml.core import Dataset
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.exceptions import ServiceException, StepFailedError, UserErrorException
from airflow_ml.execution.attempt import StepStopped
from airflow_ml.execution.following import Follower
from airflow_ml.pipeline.core import PipelineData

pytestmark = pytest.mark.docker

WRITE = "import sys; open(sys.argv[1], 'w').write('whole')\n"


def test_a_script_runs_in_the_image_and_its_output_is_committed(one, in_container):
    """The image's Python runs the script, and what it wrote is an output like any other."""
    started = one(
        "import sys, platform; print('hello'); open(sys.argv[1], 'w').write(platform.python_version())",
        runconfig=in_container(),
    )

    started.run()

    assert started.output("out").read_text() == "3.11.2"
    assert "hello" in started.log


def test_a_target_whose_launcher_is_docker_runs_its_steps_in_containers(one, in_container, workspace):
    """Where a step runs may be its target's affair, within the limits of the target's node."""
    settings = AmlCompute.provisioning_configuration(vm_size="STANDARD_DS1_V2", max_nodes=1, launcher="docker")
    ComputeTarget.create(workspace, "boxed", settings)
    configuration = in_container()
    configuration.docker.use_docker = False
    source = "import sys; open(sys.argv[1], 'w').write(open('/sys/fs/cgroup/memory/memory.limit_in_bytes').read())"
    started = one(source, runconfig=configuration, compute_target="boxed")

    started.run()

    assert int(started.output("out").read_text()) == int(3.5 * 2**30)


def test_a_script_reports_and_asks_without_a_network(one, in_container, workspace):
    """Metrics and questions go through the run directory: a container needs no network for them."""
    folder = Path("rows")
    folder.mkdir()
    (folder / "a.txt").write_text("1")
    store = workspace.get_default_datastore()
    store.upload(str(folder), "rows")
    Dataset.File.from_files((store, "rows/a.txt")).register(workspace, "rows")
    source = """
        import socket, sys
        from azureml.core import Dataset, Run
        run = Run.get_context()
        run.log("answer", 42)
        names = [name for _, name in socket.if_nameindex()]
        path = Dataset.get_by_name(run.experiment.workspace, "rows").download()[0]
        open(sys.argv[1], "w").write(open(path).read() + " ".join(names))
    """
    started = one(source, runconfig=in_container(arguments=["--network", "none"]))

    result = started.run()

    assert started.output("out").read_text() == "1lo"
    assert result.metrics == {"answer": 42}


def test_inputs_can_only_be_read(script, start, in_container, workspace):
    """A script in a container sees its inputs and cannot change them, although it runs as the worker's user."""
    Path("rows").mkdir()
    Path("rows/a.txt").write_text("1")
    store = workspace.get_default_datastore()
    store.upload("rows", "rows")
    data = Dataset.File.from_files((store, "rows/a.txt")).as_named_input("rows").as_mount()
    out = PipelineData("out")
    source = """
        import os, sys
        folder, out = sys.argv[1:]
        [path] = [os.path.join(root, name) for root, _, names in os.walk(folder) for name in names] or [folder]
        try:
            open(path, "w")
        except OSError as error:
            open(out, "w").write(f"{open(path).read()} {error.errno}")
    """
    started = start(script(source, data, out, inputs=[data], outputs=[out], runconfig=in_container()))

    started.run()

    assert started.output("out").read_text() == "1 30"  # EROFS


def test_the_engine_is_told_no_secret_and_gives_no_privilege(one, in_container, docker_engine):
    """Who may ask the engine reads neither variables nor arguments, and sees a container that may do nothing."""
    configuration = in_container()
    configuration.environment_variables = {"API_TOKEN": "canary-in-variables", "PLAIN": "canary-in-plain"}
    started = one("print('here', flush=True)\n" + WRITE, runconfig=configuration)
    seen = []
    started.on_line = lambda line: line == "here" and seen.append(_inspect(docker_engine, started.last().id))

    started.run()

    [found] = seen
    assert "canary" not in json.dumps(found)
    host = found["HostConfig"]
    assert (host["Privileged"], host["CapDrop"], host["NetworkMode"]) == (False, ["ALL"], "bridge")
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert not host["CapAdd"]
    assert (host["Init"], host["IpcMode"], host["PidMode"], host["UTSMode"]) == (True, "private", "", "")
    assert not any("docker.sock" in mount["Source"] for mount in found["Mounts"])
    assert found["Config"]["User"] == f"{os.geteuid()}:{os.getegid()}"
    labels = {name: value for name, value in found["Config"]["Labels"].items() if name.startswith("airflow-ml.")}
    assert labels["airflow-ml.workspace"] == "w"
    assert labels["airflow-ml.task"] == "step"
    assert labels["airflow-ml.step-run"] == started.last().id


def test_a_memory_hog_is_told_what_it_lacked(one, in_container):
    """A script that needs more memory than its container has fails, and the error says so."""
    started = one("x = b'1' * 300_000_000", runconfig=in_container(arguments=["--memory=64m"]))

    error = started.fail()

    assert isinstance(error, StepFailedError)
    assert "needed more memory than its container has: 0.0625 GiB" in str(error)


def test_a_fork_bomb_ends_as_an_error(one, in_container):
    """A script that starts processes without end fails by itself, the machine does not, and the error says why."""
    source = "import subprocess\nall = [subprocess.Popen(['sleep', '60']) for _ in range(1000)]"
    started = one(source, runconfig=in_container(arguments=["--pids-limit=40"]))

    error = started.fail()

    assert "more than 40 processes and threads" in str(error)


def test_a_stubborn_script_is_stopped(one, in_container):
    """A script that ignores requests, and has others in sessions of their own, is gone within the grace."""
    source = """
        import os, signal, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if os.fork() == 0:
            os.setsid()
            time.sleep(100)
        print("deaf", flush=True)
        time.sleep(100)
    """
    started = one(source, runconfig=in_container())
    started.on_line = lambda line: line == "deaf" and setattr(started, "is_stopped", True)

    with pytest.raises(StepStopped):
        started.run()

    assert started.last().status == "Canceled"
    assert not started.leftovers()


def test_what_a_script_leaves_running_is_ended_and_its_result_is_not_offered(one, in_container):
    """Something that outlives its script is cut in the middle of its work, so nobody else takes the result."""
    source = "import os, time\nif os.fork() == 0:\n    os.setsid(); time.sleep(100)\n" + WRITE
    started = one(source, runconfig=in_container())

    started.run()

    assert started.output("out").read_text() == "whole"
    assert not started.offers()


def test_a_container_that_is_stopped_from_outside_is_tried_again(one, in_container, docker_engine):
    """`docker stop`, or an engine that is shut down, is the machine's failure and not the script's."""
    started = one("import time; print('here', flush=True); time.sleep(100)", runconfig=in_container())
    started.on_line = lambda line: line == "here" and docker_engine.client.api.kill(_name(started), "SIGTERM")

    with pytest.raises(ServiceException, match="was stopped from outside"):
        started.run()


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ("--privileged", "never privileged"),
        ("-v=/:/host", "a step sees its run directory and its inputs"),
        ("--network=host", "others would let it see more"),
        ("--cap-add=SYS_ADMIN", "no capabilities"),
        ("--env=DB_PASSWORD=x", "looks like a secret"),
    ],
)
def test_dangerous_arguments_are_refused_before_the_run(one, in_container, argument, words):
    """What would let a step out of its container is refused when the run is opened, in words."""
    with pytest.raises(UserErrorException, match=words):
        one(WRITE, runconfig=in_container(arguments=[argument]))


def test_nobody_comes_back_and_the_keeper_removes_the_container(one, in_container, monkeypatch, docker_engine):
    """A container whose task has died is kept for a while; then its keeper ends and removes it."""
    monkeypatch.setenv("AIRFLOW_ML_REATTACH_SECONDS", "0.1")
    started = one("import time; time.sleep(100)", runconfig=in_container())

    def work() -> None:
        Follower.look = die
        started.run()

    os.waitpid(fork(work), 0)
    events = docker_engine.client.events(decode=True, filters={"container": _name(started)}, since=0)

    assert "destroy" in (event["Action"] for event in events)  # until it comes; the test has a limit
    started.is_stopped = True
    with pytest.raises(StepStopped):
        started.run()


def test_the_doctor_removes_what_nobody_keeps(one, in_container, services, docker_engine, capsys):
    """A container of a run that has ended, and its run directory, are found and removed."""
    started = one(runconfig=in_container())
    started.run()
    run_id = started.last().id
    labels = {"airflow-ml.home": _home(services), "airflow-ml.workspace": "w", "airflow-ml.step-run": run_id}
    docker_engine.client.containers.create(docker_engine.image, ["true"], labels=labels, name=f"airflow-ml-{run_id}")
    services.run_directory(run_id).mkdir()

    listed = main(["doctor", "--workspace", "w"])
    cleaned = main(["doctor", "--clean", "--workspace", "w"])

    assert (listed, cleaned, main(["doctor", "--workspace", "w"])) == (1, 0, 0)
    assert "its run has ended as Completed, and nobody keeps it" in capsys.readouterr().out
    assert not started.leftovers()


def test_the_doctor_removes_what_a_builder_left(one, in_container, docker_engine, home, capsys):
    """A container in which an image was asked for its Python, and whose owner was killed, is found and removed."""
    started = one(runconfig=in_container())

    def work() -> None:
        before(DockerEngine, "start")()
        started.run()

    os.waitpid(fork(work), 0)

    listed = main(["doctor", "--workspace", "w"])
    cleaned = main(["doctor", "--clean", "--workspace", "w"])

    assert (listed, cleaned) == (1, 0)
    assert "airflow-ml-question-" in capsys.readouterr().out
    assert DockerEngine().find_all({"home": home_label(home)}) == []


def _home(services) -> str:
    return home_label(services.home.root)


def _name(started) -> str:
    return f"airflow-ml-{started.last().id}"


def _inspect(docker_engine, run_id: str) -> dict:
    return docker_engine.client.api.inspect_container(f"airflow-ml-{run_id}")
