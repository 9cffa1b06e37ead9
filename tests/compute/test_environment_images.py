"""Images and package folders of containers, with a real engine; packages are wheels that the test writes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import docker.errors
import pytest
from forking import fork
from servers.docker_engine import DockerForTests

from airflow_ml.compute.built_folders import Waiting
from airflow_ml.compute.docker_engine import DockerEngine
from airflow_ml.compute.engine_images import EngineImages, context_of, remove_built_image
from airflow_ml.compute.environment_images import BuiltImage
from airflow_ml.compute.environments import EnvironmentBuilder
from airflow_ml.compute.eviction import Bounds, list_built, prune
from airflow_ml.exceptions import RunEnvironmentException, ServiceException

pytestmark = pytest.mark.docker

Build = Callable[..., BuiltImage]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder of environments."""
    return tmp_path / "environments"


@pytest.fixture
def base(docker_engine: DockerForTests) -> Iterator[str]:
    """A name of the base image that is this test's own and can be moved."""
    name = f"airflow-ml-test-{uuid.uuid4().hex[:12]}:latest"
    docker_engine.client.images.get(docker_engine.image).tag(name)
    yield name
    docker_engine.client.images.remove(name, noprune=True)


@pytest.fixture
def built_images(docker_engine: DockerForTests) -> Iterator[list[str]]:
    """Images that the test builds are removed."""
    made: list[str] = []
    yield made
    for image in made:  # other tests build at the same time: theirs are left alone
        with suppress(docker.errors.APIError):
            if any("airflow-ml/environment" in tag for tag in docker_engine.client.images.get(image).tags):
                docker_engine.client.images.remove(image, force=True)


@pytest.fixture
def build(root: Path, base: str, built_images: list[str]) -> Iterator[Build]:
    """Build a definition on the base image; packages come from a folder of wheels."""
    made: list[BuiltImage] = []

    def build(*pip: str, python: str | None = None, waiting: Waiting | None = None, **section: object) -> BuiltImage:
        conda = [f"python={python}"] if python else []
        definition = {
            "name": "e",
            "python": {"conda_dependencies": {"dependencies": [*conda, {"pip": [*pip]}]}},
            "docker": {"base_image": base, **section},
            "environment_variables": {"A": 1},
        }
        made.append(EnvironmentBuilder(root).image(definition, DockerEngine(), waiting or Waiting()))
        return made[-1]

    yield build
    for item in made:
        built_images.append(item.id)
        item.close()


@pytest.fixture
def wheels(tmp_path: Path) -> str:
    """The option that names a folder with the wheel `tiny` 1.0, which holds a module and a program."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "VALUE = 1\ndef main():\n    print('program')\n")
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.0.dist-info/entry_points.txt", "[console_scripts]\ntiny = tiny:main\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    return f"--find-links {folder}"


@pytest.fixture
def source_only(tmp_path: Path) -> str:
    """The option that names a folder with the package `raw` 1.0, which has to be built."""
    folder = tmp_path / "raw-1.0"
    folder.mkdir()
    (folder / "setup.py").write_text(
        "from setuptools import setup\nsetup(name='raw', version='1.0', py_modules=['raw'])\n"
    )
    (folder / "raw.py").write_text("VALUE = 2\n")
    (folder / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: raw\nVersion: 1.0\n")
    (tmp_path / "sources").mkdir()
    subprocess.run(["tar", "czf", tmp_path / "sources/raw-1.0.tar.gz", "-C", tmp_path, "raw-1.0"], check=True)
    return f"--find-links {tmp_path / 'sources'}"


def run(engine: DockerForTests, built: BuiltImage, *command: str) -> str:
    """Return what a command writes in a container as steps have it, without a network."""
    mounts = {} if built.packages is None else {str(built.packages): {"bind": str(built.packages), "mode": "ro"}}
    variables = {**built.container_variables, **built.environment_variables}
    output: bytes = engine.client.containers.run(
        built.id, [*command], environment=variables, volumes=mounts, network_mode="none", remove=True
    )
    return output.decode().strip()


def wait_until(look: Callable[[], bool]) -> None:
    """Wait until something is so, which nothing else tells."""
    deadline = time.monotonic() + 120
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class TestPackages:
    def test_are_mounted(self, build, wheels, docker_engine):
        """Packages are importable from a read-only folder, compiled, and their programs run on the image's Python."""
        built = build("--no-index", wheels, "tiny")

        assert built.id == docker_engine.image
        assert (
            run(docker_engine, built, str(built.python), "-c", "import os, tiny; print(tiny.VALUE, os.environ['A'])")
            == "1 1"
        )
        assert run(docker_engine, built, "tiny") == "program"
        assert built.packages is not None
        assert list(built.packages.glob("__pycache__/tiny.cpython-*.pyc"))

    def test_are_made_once(self, build, wheels):
        """An equal definition uses the folder that is there, and nothing is started for it."""
        first = build("--no-index", wheels, "tiny")

        second = build("--no-index", wheels, "tiny")

        assert (second.packages, second.digest) == (first.packages, first.digest)
        assert "which was there" in second.log

    def test_without_a_wheel(self, build, source_only, docker_engine):
        """What has to be built is built in the image, by its own pip."""
        built = build("--no-index", source_only, "--no-build-isolation", "raw")

        assert run(docker_engine, built, str(built.python), "-c", "import raw; print(raw.VALUE)") == "2"

    def test_failure(self, build, wheels, root):
        """Packages that are not there are an error with the installer's words, and leave nothing."""
        with pytest.raises(
            RunEnvironmentException, match=r"installing no-such-thing for Python 3(?s:.*)No matching dist"
        ):
            build("--no-index", wheels, "no-such-thing")

        assert list_built(root) == []

    def test_another_python(self, build, wheels):
        """A Python that the image does not have is an error that says what it has."""
        with pytest.raises(RunEnvironmentException, match=r"asks for Python 3\.8, and image .* has 3\."):
            build("--no-index", wheels, "tiny", python="3.8")

    def test_in_use_is_never_evicted(self, build, wheels, root):
        """A folder is kept while a step runs from it, however little room there is."""
        built = build("--no-index", wheels, "tiny")

        assert prune(root, Bounds(0, 0)).removed == ()
        built.close()
        assert [item.kind for item in prune(root, Bounds(0, 0)).removed] == ["packages"]


class TestImages:
    def test_moved_tag(self, build, base, docker_engine):
        """The image is pinned by its id; a tag that moved means another environment."""
        first = build()
        container = docker_engine.client.containers.create(docker_engine.image, ["true"])
        container.commit(*base.split(":"))
        container.remove()

        second = build()

        assert first.id == docker_engine.image
        assert second.id not in ("", first.id)
        assert second.digest != first.digest

    def test_dockerfile(self, build, base, docker_engine, root):
        """A Dockerfile is built once, and again when the image below it has moved."""
        dockerfile = f"FROM {base}\nRUN echo made > /made\n"
        first = build(base_image=None, base_dockerfile=dockerfile)

        assert run(docker_engine, first, "cat", "/made") == "made"
        assert build(base_image=None, base_dockerfile=dockerfile).id == first.id
        container = docker_engine.client.containers.create(docker_engine.image, ["true"])
        container.commit(*base.split(":"))
        container.remove()
        assert build(base_image=None, base_dockerfile=dockerfile).id != first.id
        assert len([item for item in list_built(root) if item.kind == "image"]) == 2

    def test_removed_image_is_built_again(self, build, base, docker_engine, root):
        """An image that was removed from the engine by hand is built anew."""
        dockerfile = f"FROM {base}\nRUN echo again > /made\n"
        first = build(base_image=None, base_dockerfile=dockerfile)
        docker_engine.client.images.remove(first.name, force=True)

        assert run(docker_engine, build(base_image=None, base_dockerfile=dockerfile), "cat", "/made") == "again"

    def test_eviction(self, build, base, docker_engine, root):
        """An image that nobody uses is removed from the engine with its folder."""
        built = build(base_image=None, base_dockerfile=f"FROM {base}\nRUN echo gone > /made\n")
        built.close()

        prune(root, Bounds(0, 0), remove_image=remove_built_image)

        assert DockerEngine().image(built.name) is None

    def test_dockerfile_failure(self, build, base, tmp_path):
        """A Dockerfile that fails ends in its last lines, and the log keeps what was done."""
        waiting = Waiting(log_file=tmp_path / "log.txt")

        with pytest.raises(RunEnvironmentException, match=r"building its image failed(?s:.*)no-such-command"):
            build(base_image=None, base_dockerfile=f"FROM {base}\nRUN no-such-command\n", waiting=waiting)

        assert "RUN no-such-command" in (tmp_path / "log.txt").read_text()

    def test_killed_builder(self, base, docker_engine):
        """When whoever builds is killed, the engine ends the build and removes the container that it ran in."""
        client, name = docker_engine.client.api, f"sleep 600.{uuid.uuid4().int % 10**9}"
        images = EngineImages(DockerEngine(), Waiting(), where="here")
        pid = fork(lambda: images.build(context_of(f"FROM {base}\nRUN {name}\n"), "airflow-ml-test-killed:1", "digest"))

        def builds() -> bool:
            return any(name in found["Command"] for found in client.containers(all=True, trunc=False))

        wait_until(builds)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)

        wait_until(lambda: not builds())

    def test_missing_image(self, build, monkeypatch):
        """An image that may not be pulled is named, with what to do."""
        monkeypatch.setenv("AIRFLOW_ML_IMAGE_PULL", "never")

        with pytest.raises(RunEnvironmentException, match=r"'no-such-image:1' is not on this machine's Docker engine"):
            build(base_image="no-such-image:1")

    def test_unreachable_registry(self, build):
        """A registry that does not answer is tried again."""
        with pytest.raises(ServiceException, match=r"127\.0\.0\.1:9/no-such-image"):
            build(base_image="127.0.0.1:9/no-such-image:1")

    def test_image_as_it_is(self, docker_engine, root, base):
        """An image is taken as it is where nothing is to be installed; its Python is asked about once."""
        definition = {"docker": {"base_image": base}, "python": {"user_managed_dependencies": True}}

        built = EnvironmentBuilder(root).image(definition, DockerEngine())

        assert (built.id, built.packages, str(built.python)) == (docker_engine.image, None, "/usr/bin/python3")
        assert json.loads(next((root / ".images").iterdir()).read_text())["libc"].startswith("glibc")
