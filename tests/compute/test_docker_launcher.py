"""Scripts in containers of the real engine, without a workspace around them."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers.docker_engine import DockerForTests

from airflow_ml.compute.container import Container, Mount
from airflow_ml.compute.container_step import ContainerStep, StepTakenOverError, container_name
from airflow_ml.compute.docker_engine import DockerEngine
from airflow_ml.compute.docker_launcher import DockerLauncher, has_keeper, keep_seconds
from airflow_ml.compute.request import ProcessRequest
from airflow_ml.exceptions import NotSupportedError, RunEnvironmentException, ServiceException, UserErrorException

pytestmark = pytest.mark.docker

Launch = Callable[..., ContainerStep]


@pytest.fixture
def make(tmp_path: Path, docker_engine: DockerForTests) -> Iterator[Callable[..., ProcessRequest]]:
    """Make the request for a program given as Python source; afterwards its container must be gone."""
    markers = []

    def make_request(source: str = "pass", *, argv: tuple[str, ...] = (), **options: object) -> ProcessRequest:
        markers.append(f"test-{uuid.uuid4().hex}")
        container = {"image": docker_engine.image, "mounts": (Mount(tmp_path, tmp_path, is_read_only=False),)}
        return ProcessRequest(
            argv=argv or ("python3", "-c", source),
            cwd=tmp_path,
            environment=options.pop("environment", {}),
            log_path=tmp_path / "log.txt",
            attempt_directory=tmp_path,
            marker=markers[-1],
            held=options.pop("held", ()),
            container=Container(**{**container, **options}),
        )

    yield make_request
    left = [marker for marker in markers if DockerLauncher().forget(marker)]
    assert left == []


def test_variables_and_arguments_arrive_as_they_are(make, tmp_path):
    """Quotation marks, line ends, blanks and odd names reach the script unchanged, although a shell starts it."""
    odd = 'it\'s "so"\n$HOME `x` ü'
    source = "import os, sys; print([sys.argv[1], os.environ['A'], os.environ['a-b.c']])"
    request = make(argv=("python3", "-c", source, odd), environment={"A": odd, "a-b.c": odd})

    with DockerLauncher().launch(request) as step:
        outcome = step.wait()

    assert outcome.succeeded
    assert (tmp_path / "log.txt").read_text() == f"{[odd] * 3}\n"


def test_the_exit_code_is_the_containers(make):
    """What a script exits with is its outcome, with the times of the engine."""
    with DockerLauncher().launch(make("raise SystemExit(7)")) as step:
        outcome = step.wait()

    assert (outcome.exit_code, outcome.signal, outcome.is_stopped) == (7, None, False)
    assert outcome.duration > 0


def test_a_signal_is_told_from_an_exit_code(make):
    """A script that crashes was killed by its signal."""
    with DockerLauncher().launch(make("import os; os.abort()")) as step:
        assert step.wait().signal == 6


def test_a_handler_may_end_the_script_in_its_own_way(make, tmp_path):
    """A script that handles the request to end has its grace for that."""
    source = "import signal,sys,time; signal.signal(15, lambda *_: sys.exit(5)); print('up',flush=True); time.sleep(60)"
    with DockerLauncher().launch(make(source)) as step:
        while "up" not in (tmp_path / "log.txt").read_text():
            assert step.wait(timeout=0.05) is None
        step.stop(20)
        outcome = step.wait()

    assert (outcome.exit_code, outcome.is_stopped) == (5, True)


def test_what_is_held_is_held_as_long_as_the_container_runs(make, tmp_path):
    """The keeper keeps descriptors open that the operator has closed, and lets go when the script has ended."""
    read_end, write_end = os.pipe()
    request = make("import time; time.sleep(60)", held=(write_end,))
    with DockerLauncher().launch(request) as step:
        os.close(write_end)
        os.set_blocking(read_end, False)
        with pytest.raises(BlockingIOError):
            os.read(read_end, 1)
        step.stop(0)
        step.wait()

        os.set_blocking(read_end, True)
        assert os.read(read_end, 1) == b""
    os.close(read_end)


def test_the_newest_operator_is_obeyed(make):
    """Who attaches to a container takes it over; the one before is told, and cannot end it any more."""
    request = make("import time; time.sleep(60)")
    first = DockerLauncher().launch(request)

    with DockerLauncher().attach(request) as second:
        with pytest.raises(StepTakenOverError):
            first.wait()
        first.stop(0)
        first.close()
        assert second.is_running
        second.stop(0)
        assert second.wait().is_stopped
    end = time.monotonic() + 10
    while has_keeper(request.marker) and time.monotonic() < end:  # it has answered, and ends
        time.sleep(0.01)
    assert not has_keeper(request.marker)


def test_nothing_is_left_when_a_container_cannot_start(make):
    """An image that is not there, or a folder that is not, is an error, and no container stays behind."""
    missing = Mount(Path("/no/such/folder"), Path("/x"))
    for request in (make(image="no-such-image:1"), make(mounts=(missing,))):
        with pytest.raises(RunEnvironmentException):
            DockerLauncher().launch(request)
        assert DockerEngine().find(container_name(request.marker)) is None
        assert not has_keeper(request.marker)


def test_an_image_without_the_program_is_told_in_words(make):
    """The error names the program and the image."""
    with (
        DockerLauncher().launch(make(argv=("no-such-program",))) as step,
        pytest.raises(RunEnvironmentException, match="'no-such-program' is not in image"),
    ):
        step.wait()


def test_an_image_without_a_shell_is_told_in_words(make, docker_engine):
    """What starts the script needs a shell; an image without one is no image for steps."""
    empty = docker_engine.client.api.import_image_from_data(b"\0" * 10240, repository="airflow-ml-test-empty")
    assert empty
    with (
        DockerLauncher().launch(make(image="airflow-ml-test-empty")) as step,
        pytest.raises(RunEnvironmentException, match="has no /bin/sh"),
    ):
        step.wait()
    docker_engine.client.images.remove("airflow-ml-test-empty")


def test_the_workers_user_runs_the_script(make, tmp_path, docker_engine):
    """Whatever user the image names, the script is run by the worker's, which can write to its run directory."""
    made = docker_engine.client.containers.create(docker_engine.image, ["true"])
    image = made.commit(changes="USER 12345")
    made.remove()

    with DockerLauncher().launch(make("open('out', 'w'); open('/tmp/x', 'w')", image=image.id)) as step:
        outcome = step.wait()
    docker_engine.client.images.remove(image.id)

    assert (outcome.succeeded, (tmp_path / "out").stat().st_uid) == (True, os.geteuid())


def test_an_engine_that_does_not_answer_is_the_machines_failure(make):
    """Trying again can help: the error is one that is retried, and names the address."""
    launcher = DockerLauncher(DockerEngine("unix:///no/such.sock"))

    request = make()
    with pytest.raises(ServiceException, match=r"/no/such\.sock does not answer"):
        launcher.launch(request)
    deadline = time.monotonic() + 60
    while has_keeper(request.marker):  # it gives up after a few seconds
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_an_engine_elsewhere_is_refused():
    """Containers mount folders of the worker: only an engine on its machine will do."""
    with pytest.raises(NotSupportedError, match="unix:///"):
        _ = DockerEngine("tcp://10.0.0.1:2375").socket


def test_seconds_to_be_found_again_are_checked(monkeypatch):
    """A value that is no number is told when it is read."""
    monkeypatch.setenv("AIRFLOW_ML_REATTACH_SECONDS", "soon")

    with pytest.raises(UserErrorException, match="AIRFLOW_ML_REATTACH_SECONDS='soon'"):
        keep_seconds()
