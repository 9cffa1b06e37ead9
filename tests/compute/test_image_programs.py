"""Programs in images, with a real engine: what they may do, and what becomes of their containers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from forking import before, die, fork
from servers.docker_engine import DockerForTests

from airflow_ml.compute.built_folders import Waiting
from airflow_ml.compute.docker_engine import DockerEngine, home_label
from airflow_ml.compute.image_programs import Ended, ImagePrograms, find_abandoned, remove_abandoned
from airflow_ml.exceptions import RunEnvironmentException

pytestmark = pytest.mark.docker


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """The folder of environments of a home of the test's own; afterwards no container of the home may be left."""
    yield tmp_path / "environments"
    left = DockerEngine().find_all({"home": home_label(tmp_path)})
    for state in left:
        DockerEngine().remove(state.id)
    assert left == []


@pytest.fixture
def run(root: Path, docker_engine: DockerForTests) -> Callable[..., Ended]:
    """Run a program in the base image."""

    def run_program(*command: str, **options: object) -> Ended:
        waiting = options.pop("waiting", Waiting())
        programs = ImagePrograms(DockerEngine(), root, waiting, "here")
        return programs.run(docker_engine.image, command or ("true",), "question", **options)

    return run_program


def killed(work: Callable[[], object]) -> None:
    """Do something in a process that must be killed by it."""
    _, status = os.waitpid(fork(work), 0)
    assert os.WIFSIGNALED(status)


def test_its_end_and_its_words(run, root):
    """Exit code and output come back, and neither a container nor a lock is left."""
    ended = run("sh", "-c", "echo said; exit 3")

    assert ended == Ended(3, "said\n")
    assert list((root / ".containers").iterdir()) == []


def test_an_image_that_is_not_there(root):
    """What the engine refuses is an error that leaves nothing."""
    programs = ImagePrograms(DockerEngine(), root, Waiting(), "here")

    with pytest.raises(RunEnvironmentException, match="does not have the image"):
        programs.run("no-such-image:1", ["true"], "question")

    assert list((root / ".containers").iterdir()) == []


@pytest.mark.parametrize("phase", [before(DockerEngine, "start"), before(DockerEngine, "find")], ids=["made", "runs"])
def test_a_killed_owners_container_is_removed_by_the_next(run, root, phase):
    """Between making and removing, whenever its owner is killed, the container is the next one's to remove."""

    def work() -> None:
        phase()
        run("sleep", "600")

    killed(work)
    left = [state.name for state in DockerEngine().find_all({"home": home_label(root.parent)})]

    assert len(left) == 1
    assert [state.name for state in find_abandoned(DockerEngine(), root)] == left
    assert run().exit_code == 0
    assert find_abandoned(DockerEngine(), root) == []
    assert list((root / ".containers").iterdir()) == []


def test_a_living_owners_container_is_left_alone(run, root):
    """A program that runs is somebody's, for as long as he lives."""
    counts = []

    def check() -> None:
        if not counts:
            counts.append(remove_abandoned(DockerEngine(), root))

    assert run("sh", "-c", "sleep 1; echo whole", waiting=Waiting(check=check)).output == "whole\n"
    assert counts == [0]


def test_another_homes_container_is_left_alone(run, root, tmp_path):
    """What another installation on the same engine has left is not looked at."""
    killed(lambda: run("sleep", "600", waiting=Waiting(check=die)))
    other = tmp_path / "other" / "environments"
    (other / ".containers").mkdir(parents=True)

    assert remove_abandoned(DockerEngine(), other) == 0
    assert remove_abandoned(DockerEngine(), root) == 1


def test_it_has_no_rights(run, docker_engine, monkeypatch):
    """It runs as the worker's user without a network, and what it starts without end ends as its own error."""
    seen = []
    start = DockerEngine.start

    def inspect(self: DockerEngine, container: str) -> None:
        seen.append(self.client.inspect_container(container))
        start(self, container)

    monkeypatch.setattr(DockerEngine, "start", inspect)
    run()

    host = seen[0]["HostConfig"]
    assert (host["Privileged"], host["CapDrop"], host["CapAdd"]) == (False, ["ALL"], None)
    assert (host["NetworkMode"], host["IpcMode"], host["PidMode"]) == ("none", "private", "")
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["PidsLimit"] == 4096
    assert seen[0]["Config"]["User"] == f"{os.geteuid()}:{os.getegid()}"
    assert seen[0]["Mounts"] == []
