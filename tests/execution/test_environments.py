"""Environments of steps: their build log, their record, images and reuse, and that a build can be stopped."""

from __future__ import annotations

import subprocess
import uuid
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from servers.docker_engine import DockerForTests

from airflow_ml.core import Environment
from airflow_ml.core.runconfig import RunConfiguration
from airflow_ml.exceptions import RunEnvironmentException
from airflow_ml.execution.attempt import StepStopped
from airflow_ml.execution.environments import BUILD_LOG_NAME

SECRET = "hunter22secret"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder with the wheel `tiny` 1.0."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "VALUE = 1\n")
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    return folder


@pytest.fixture
def with_packages(wheels: Path) -> Callable[..., RunConfiguration]:
    """Return a run configuration that installs packages from the folder of wheels."""

    def make(*packages: str) -> RunConfiguration:
        configuration = RunConfiguration()
        configuration.environment = Environment("mine")
        conda = configuration.environment.python.conda_dependencies
        assert conda is not None
        for line in ("--no-index", f"--find-links {wheels}", *packages):
            conda.add_pip_package(line)
        return configuration

    return make


def build_log(started) -> str:
    """Return the build log of the newest attempt."""
    record = started.services.registry.artifacts.find(started.last().id, BUILD_LOG_NAME)
    with started.services.store(record.datastore).open_read(record.path) as file:
        return file.read().decode()


def test_the_build_log_is_a_log_of_the_run(script, start, with_packages):
    """Who builds has the installer's words under v1's name, and its record says what was built."""
    started = start(script("import tiny; print(tiny.VALUE)", runconfig=with_packages("tiny")))

    started.run()

    assert "tiny" in build_log(started)
    environment = started.last().details["environment"]
    assert environment["name"] == "mine"
    assert (started.services.home.environments / environment["digest"] / "airflow-ml.json").is_file()
    again = start(script("import tiny; print(2)", runconfig=with_packages("tiny")))
    again.run()
    assert again.last().details["environment"]["digest"] == environment["digest"]
    assert again.services.registry.artifacts.find(again.last().id, BUILD_LOG_NAME) is None


def test_a_failed_build_has_its_log_too(script, start, with_packages):
    """The log of a build that failed is kept with the run, whose error ends in its last lines."""
    started = start(script("pass", runconfig=with_packages("no-such-thing")))

    with pytest.raises(RunEnvironmentException, match="no-such-thing"):
        started.run()

    assert "no-such-thing" in build_log(started)


def test_a_build_can_be_stopped(script, start, with_packages, tmp_path, monkeypatch):
    """A step that is stopped while its environment is built ends at once, and the installer with it."""
    slow = tmp_path / "bin" / "uv"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 600.25\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(slow.parent), prepend=":")
    started = start(script("pass", runconfig=with_packages("tiny")))

    def stop(line: str) -> None:
        started.is_stopped = started.is_stopped or "is built on Python" in line

    started.on_line = stop

    with pytest.raises(StepStopped, match="while its environment was built"):
        started.run()

    assert not [place for place in Path("/proc").glob("[0-9]*/cmdline") if b"600.25" in _read(place)]


def _read(place: Path) -> bytes:
    try:
        return place.read_bytes()
    except OSError:
        return b""


def test_private_indexes_are_written_nowhere(script, start, with_packages, tmp_path, monkeypatch, home):
    """What the worker's pip knows of private indexes is in no log, record, environment or cache afterwards."""
    address = f"http://someone:{SECRET}@127.0.0.1:9/simple"
    configuration = tmp_path / "pip.conf"
    configuration.write_text(f"[global]\nextra-index-url = {address}\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(configuration))
    monkeypatch.setenv("UV_EXTRA_INDEX_URL", address)
    started = start(script("import tiny, os; print(sorted(os.listdir('..')))", runconfig=with_packages("tiny")))

    started.run()

    assert SECRET not in "\n".join(started.log)
    found = subprocess.run(["grep", "-rlF", SECRET, str(home)], capture_output=True, text=True).stdout.splitlines()
    assert [path for path in found if path != str(configuration)] == []


@pytest.mark.docker
class TestImages:
    @pytest.fixture
    def name(self, docker_engine: DockerForTests) -> Iterator[str]:
        """A name of the base image that is this test's own and can be moved."""
        name = f"airflow-ml-test-{uuid.uuid4().hex[:12]}:latest"
        docker_engine.client.images.get(docker_engine.image).tag(name)
        yield name
        docker_engine.client.images.remove(name, noprune=True)

    def test_a_moved_tag_is_another_image(self, start, script, in_container, docker_engine, name):
        """A result is taken as long as the name stands for the same image; the run says which it was."""
        configuration = in_container()
        configuration.environment.docker.base_image = name
        started = start(script("print(1)", runconfig=configuration))
        started.run()
        assert started.last().details["environment"]["image_id"] == docker_engine.image
        assert started.foreseen() == "reuse"

        container = docker_engine.client.containers.create(docker_engine.image, ["true"])
        container.commit(*name.split(":"))
        container.remove()

        assert started.foreseen() == "run"

    def test_no_result_without_a_known_image(self, start, script, in_container, name, monkeypatch):
        """Where no engine says which image it is, no result is found, and none is offered."""
        configuration = in_container()
        configuration.environment.docker.base_image = name
        started = start(script("print(1)", runconfig=configuration))
        started.run()
        assert started.offers()
        monkeypatch.setattr("airflow_ml.reuse.environment_records._image_id", lambda _name: None)

        unknown = start(script("print(1)", runconfig=configuration))
        unknown.run()

        assert (started.foreseen(), unknown.offers()) == ("run", False)
        assert "its image was not known" in unknown.last().details["reuse"]["withheld"]
