"""Steps in containers of an engine that is killed, restarted, or has no room: an engine of these tests' own."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers.docker_engine import BASE_IMAGE, DockerForTests
from servers.own_engine import OwnEngine, running_own_engine

from airflow_ml.compute import docker_launcher
from airflow_ml.compute.container_step import ContainerStep
from airflow_ml.compute.docker_engine import DockerEngine
from airflow_ml.compute.docker_launcher import has_keeper
from airflow_ml.exceptions import ServiceException, StepFailedError, StepLostError
from airflow_ml.execution.pipelines import close_pipeline

pytestmark = pytest.mark.docker

#: Writes and says numbers, and waits in their middle until it is told to go on.
SOURCE = """
import os, sys, time
with open(sys.argv[1], "w") as file:
    for number in range(8):
        print("line", number, flush=True)
        print(number, file=file, flush=True)
        while number == 3 and not os.path.exists("go"):
            time.sleep(0.02)
"""
NUMBERS = [*range(8)]
WRITE = "import sys; open(sys.argv[1], 'w').write('whole')"
LINES = "".join(f"{number}\n" for number in NUMBERS)


@pytest.fixture(scope="module")
def own_engine(docker_engine: DockerForTests) -> Iterator[OwnEngine]:
    """Start an engine for the tests of this module."""
    with running_own_engine(docker_engine) as engine:
        yield engine


@pytest.fixture
def engine(own_engine: OwnEngine, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnEngine]:
    """Give the test that engine as the machine's one; afterwards it runs, and has no container."""
    monkeypatch.setenv("DOCKER_HOST", own_engine.address)
    yield own_engine
    if own_engine.options:
        restarted(own_engine, "stop")
    with own_engine.connected() as client:
        left = client.containers.list(all=True)
        for container in left:
            container.remove(force=True)
    assert left == []


@pytest.fixture
def started(engine, one, in_container):
    """A run of one step with one output, in a container of that engine."""
    run = one(SOURCE, runconfig=in_container())
    meanwhile(run, lambda: None)
    return run


def once(work: Callable[[], object]) -> Callable[[], None]:
    """Return what does something at its first call alone."""
    calls: list[object] = []

    def do() -> None:
        if not calls:
            calls.append(None)
            work()

    return do


def meanwhile(started, work: Callable[[], object]) -> None:
    """Do something where the script waits, in the first attempt alone, and let it go on."""
    do = once(work)

    def on_line(line: str) -> None:
        if line == "line 3":
            do()
            Path(started.services.run_directory(started.last().id), "code", "go").touch()

    started.on_line = on_line


def check_whole(started, attempts: int) -> None:
    """Run the next attempt: it completes, and neither a keeper nor a run directory is left."""
    started.run()

    assert close_pipeline(started.services, started.id).status == "Completed"
    assert started.output("out").read_text() == LINES
    runs = started.services.registry.runs.attempts(started.id, "step")
    assert len(runs) == attempts
    assert not any(has_keeper(run.id) for run in runs)
    assert not started.leftovers()


def wait_until(look: Callable[[], bool]) -> None:
    """Wait until something is so, which nothing else tells."""
    deadline = time.monotonic() + 120
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def restarted(engine: OwnEngine, how: str, *options: str) -> None:
    """Kill or stop the engine, and start it again at once."""
    getattr(engine, how)()
    engine.start(*options)


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_an_engine_that_dies_takes_its_containers_along(started, engine, how):
    """Without live restore the script ends with its engine: the machine's failure, and the next attempt completes."""
    meanwhile(started, lambda: restarted(engine, how))

    with pytest.raises(StepLostError, match=r"step 'step': container .* was (stopped|killed) from outside"):
        started.run(is_retried=bool)

    check_whole(started, attempts=2)


@pytest.mark.parametrize("how", ["kill", "stop"])
def test_with_live_restore_the_step_goes_on(started, engine, how):
    """Where the engine leaves its containers alone, its restart is not noticed by the step."""
    restarted(engine, "stop", "--live-restore")
    meanwhile(started, lambda: restarted(engine, how, "--live-restore"))

    check_whole(started, attempts=1)
    assert [line for line in started.log if line.startswith("line ")] == [f"line {number}" for number in NUMBERS]


def kill_before_create(engine: OwnEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the engine die before it is asked for the step's container."""
    real, kill = docker_launcher.create_options, once(engine.kill)
    monkeypatch.setattr(docker_launcher, "create_options", lambda *arguments: (kill(), real(*arguments))[1])


def kill_before_start(engine: OwnEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the engine die when it has made the step's container."""
    real, kill = DockerEngine.create, once(engine.kill)

    def create(self: DockerEngine, *arguments: object, **options: object) -> str:
        made = real(self, *arguments, **options)
        if "question" not in options["name"]:
            kill()
        return made

    monkeypatch.setattr(DockerEngine, "create", create)


@pytest.mark.parametrize("kill", [kill_before_create, kill_before_start])
def test_an_engine_that_dies_before_the_script_runs(started, engine, monkeypatch, kill):
    """An engine that does not answer fails the step as a machine does, and leaves nothing to the next attempt."""
    kill(engine, monkeypatch)
    with pytest.raises(ServiceException, match=r"step 'step': the Docker engine at unix:///.* does not answer"):
        started.run(is_retried=bool)
    engine.start()

    check_whole(started, attempts=2)


def test_an_engine_that_dies_when_the_script_has_ended(started, engine, monkeypatch):
    """What has ended is recorded without the engine, and its container is removed when the engine is there again."""
    real = ContainerStep._find_outcome

    def and_die(self: ContainerStep) -> object:
        outcome = real(self)
        engine.kill()
        return outcome

    monkeypatch.setattr(ContainerStep, "_find_outcome", and_die)

    started.run()
    engine.start()

    assert started.output("out").read_text() == LINES
    wait_until(lambda: not has_keeper(started.last().id))


@pytest.mark.soak(only=True)  # it takes more than a minute
def test_an_engine_that_stays_away(started, engine):
    """When the engine has not answered for a minute the step fails; when it is back, the next attempt completes."""
    meanwhile(started, engine.kill)

    with pytest.raises(ServiceException, match=r"step 'step': .*the Docker engine does not answer any more"):
        started.run(is_retried=bool)
    engine.start()

    check_whole(started, attempts=2)


def test_a_script_that_ends_well_when_it_is_asked_to_is_not_done(engine, one, in_container):
    """Exit code 0 of a script whose engine was shut down in the middle of its work is no success."""
    source = """
        import signal, sys, time
        open(sys.argv[1], "w").write("half")
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        print("half", flush=True)
        time.sleep(600)
    """
    started = one(source, runconfig=in_container())
    restart = once(lambda: restarted(engine, "stop"))
    started.on_line = lambda line: line == "half" and restart()

    with pytest.raises(StepLostError, match="was stopped from outside"):
        started.run()


def test_a_full_disk_of_the_engine_is_told(started, engine):
    """An engine without room for a container is the machine's failure; the error says what is full and what helps."""
    with (
        engine.full_disk(),
        pytest.raises(
            ServiceException, match=r"step 'step': the disk of the Docker engine is full; .*docker system df"
        ),
    ):
        started.run(is_retried=bool)

    check_whole(started, attempts=2)


def test_a_script_that_fills_the_engines_disk_is_told(engine, one, in_container):
    """A script that writes into its container until nothing fits fails, and the error says which disk is full."""
    source = "open('/tmp/all', 'wb').write(b'1' * 100_000_000)"
    started = one(source, runconfig=in_container())

    with engine.full_disk(free=10_000_000):
        error = started.fail()

    assert isinstance(error, StepFailedError)
    assert "the disk of the Docker engine is full" in str(error)


def test_a_build_on_a_full_disk_is_told(engine, one, in_container, docker_engine):
    """A build that finds no room is the machine's failure, and leaves neither image nor container."""
    configuration = in_container()
    configuration.environment.docker.base_image = None
    configuration.environment.docker.base_dockerfile = f"FROM {BASE_IMAGE}\nRUN head -c 100000000 /dev/zero >/all\n"
    started = one(WRITE, runconfig=configuration)

    with engine.full_disk(free=10_000_000), pytest.raises(ServiceException, match="disk of the Docker engine is full"):
        started.run(is_retried=bool)
