"""The Docker engine of the tests, and the one image that every test may take as there."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import docker
from servers.absent import skip_without

__all__ = ["BASE_IMAGE", "DockerForTests", "running_engine"]

#: A Debian with Python and pip, without anything of ours; `.ci/docker-engine` makes it.
BASE_IMAGE = "airflow-ml-test-base:bookworm"

_SCRIPT = Path(__file__).parents[2] / ".ci" / "docker-engine"


@dataclass(frozen=True)
class DockerForTests:
    """
    A running engine.

    Attributes:
        client: of the docker SDK.
        image: id of the base image.
    """

    client: docker.DockerClient
    image: str


def running_engine() -> DockerForTests:
    """Return the machine's engine, which is started if it is not running; skip where it cannot be."""
    done = subprocess.run([_SCRIPT], check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=280)
    if done.returncode:
        skip_without((done.stderr.strip().splitlines() or ["no Docker engine"])[-1])
    client = docker.from_env()
    return DockerForTests(client, client.images.get(BASE_IMAGE).id)
