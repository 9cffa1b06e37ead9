"""Everything that the engine is told of a step with many secrets: containers, their output, and built images."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from plain_text import files_with
from servers.azurite import KEY
from servers.docker_engine import DockerForTests

from airflow_ml.compute.docker_engine import DockerEngine

pytestmark = [pytest.mark.docker, pytest.mark.azurite]

#: Of the worker's pip, of a connection, of a secret that the script asks for, and of a variable of the step.
CANARIES = [f"canary-{name}" for name in ("index", "connection", "asked", "variable")]

SCRIPT = """
import os, sys
from azureml.core import Run
import raw
# Backwards, because this text is kept with the run.
assert Run.get_context().get_secret("word")[::-1] == "deksa-yranac"
assert os.environ["API_TOKEN"][::-1] == "elbairav-yranac"
os.makedirs(sys.argv[1])
open(os.path.join(sys.argv[1], "out.txt"), "w").write(str(raw.VALUE))
print("here", flush=True)
"""


@dataclass
class Seen:
    """What the engine was told, and what it had to say."""

    containers: list[dict] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Look at every container before it is started and before it is removed."""
    found = Seen()
    start, remove = DockerEngine.start, DockerEngine.remove

    def look_and_start(self: DockerEngine, container: str) -> None:
        found.containers.append(self.client.inspect_container(container))
        start(self, container)

    def look_and_remove(self: DockerEngine, container: str) -> None:
        if self.find(container) is not None:
            found.texts += [json.dumps(self.client.inspect_container(container)), self.printed(container)]
        remove(self, container)

    monkeypatch.setattr(DockerEngine, "start", look_and_start)
    monkeypatch.setattr(DockerEngine, "remove", look_and_remove)
    return found


@pytest.fixture
def worker(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the worker a private index, a connection and a secret; return a folder with a package to be built."""
    folder = tmp_path_factory.mktemp("worker")
    (folder / "raw-1.0").mkdir()
    (folder / "raw-1.0" / "setup.py").write_text(
        "from setuptools import setup\nsetup(name='raw', version='1.0', py_modules=['raw'])\n"
    )
    (folder / "raw-1.0" / "raw.py").write_text("VALUE = 2\n")
    (folder / "raw-1.0" / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: raw\nVersion: 1.0\n")
    (folder / "sources").mkdir()
    subprocess.run(["tar", "czf", folder / "sources/raw-1.0.tar.gz", "-C", folder, "raw-1.0"], check=True)
    (folder / "pip.conf").write_text(
        f"[global]\nextra-index-url = http://someone:{CANARIES[0]}@127.0.0.1:9/simple\nno-index = true\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(folder / "pip.conf"))
    monkeypatch.setenv("AIRFLOW_CONN_IMAGES", f"http://someone:{CANARIES[1]}@127.0.0.1:9")
    monkeypatch.setenv("AIRFLOW_ML_SECRET_WORD", CANARIES[2])
    monkeypatch.setenv("AIRFLOW_ML_IMAGE_REGISTRY", "127.0.0.1:9/team")
    return folder


@pytest.fixture
def configuration(in_container: Callable, worker: Path) -> object:
    """Return a run configuration whose packages are installed in a container, and become an image of their own."""
    made = in_container()
    made.environment_variables = {"API_TOKEN": CANARIES[3]}
    made.environment.docker.base_image_registry.connection = "images"
    made.environment.python.user_managed_dependencies = False
    packages = made.environment.python.conda_dependencies
    packages.set_pip_option(f"--find-links {worker / 'sources'}")
    packages.set_pip_option("--no-build-isolation")
    packages.add_pip_package("raw")
    return made


@pytest.fixture
def done(azurite, workspace, one, configuration, seen, docker_engine: DockerForTests):
    """Run the step on a blob store; afterwards the image that it has built is removed."""
    with azurite.default_datastore(workspace):
        started = one(SCRIPT, runconfig=configuration)
        started.on_line = lambda line: line == "here" and seen.texts.append(_state(docker_engine, started.last().id))
        started.run()
        yield started
        docker_engine.client.images.remove(seen.containers[-1]["Image"], force=True)


def test_no_secret_and_no_privilege(done, seen, docker_engine, home):
    """Neither the engine, nor an image, nor anything kept has a secret in it, and no container may do anything."""
    image = seen.containers[-1]["Image"]
    history = docker_engine.client.api.history(image)
    told = json.dumps([seen.containers, docker_engine.client.api.inspect_image(image), history]) + "".join(seen.texts)

    programs = [container["Config"]["Labels"].get("airflow-ml.program") for container in seen.containers]
    assert programs == ["question", "question", "install", "compile", None]
    assert image != docker_engine.image
    for canary in (*CANARIES, KEY):
        assert canary not in told
        assert canary not in "\n".join(done.log)
    assert files_with(home, *CANARIES[:3], KEY) == []  # what a DAG file says of variables is recorded
    for container in seen.containers:
        check_privileges(container)


def check_privileges(container: dict) -> None:
    """Check that a container has none."""
    host = container["HostConfig"]
    assert (host["Privileged"], host["CapDrop"], host["CapAdd"]) == (False, ["ALL"], None)
    assert host["NetworkMode"] in ("none", "bridge")
    assert (host["IpcMode"], host["PidMode"], host["UTSMode"], host["UsernsMode"]) == ("private", "", "", "")
    assert [option.removesuffix(":true") for option in host["SecurityOpt"]] == ["no-new-privileges"]
    assert not host["Devices"]
    assert host["PidsLimit"] == 4096
    assert container["Config"]["User"] == f"{os.geteuid()}:{os.getegid()}"
    assert not [mount for mount in container["Mounts"] if "docker" in mount["Source"].rpartition("/")[2]]


def _state(docker_engine: DockerForTests, run_id: str) -> str:
    name = f"airflow-ml-{run_id}"
    api = docker_engine.client.api
    return json.dumps(api.inspect_container(name)) + api.logs(name).decode()
