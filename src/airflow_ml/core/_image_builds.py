"""Building an environment by hand, and what v1 says of its image. Imported at its first use."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from airflow_ml._late import late
from airflow_ml.compute.built_folders import Waiting
from airflow_ml.compute.environments import EnvironmentBuilder
from airflow_ml.compute.image_names import image_names
from airflow_ml.core._docker_section import DEFAULT_CPU_IMAGE
from airflow_ml.registry.home import Home

if TYPE_CHECKING:
    from airflow_ml.compute import docker_engine
    from airflow_ml.graph.model import Json
else:
    docker_engine = late("airflow_ml.compute.docker_engine")

__all__ = ["DockerImageDetails", "ImageBuildDetails", "build", "image_details"]


class ImageBuildDetails:
    """
    A build that has ended.

    Attributes:
        status: `Succeeded`; a build that failed has raised.
        environment_digest: names what was built.
    """

    def __init__(self, log: str, digest: str) -> None:
        self.status = "Succeeded"
        self.environment_digest = digest
        self._log = log

    def get_log(self) -> str:
        """Return what was done, with the installers' words."""
        return self._log

    def wait_for_completion(self, show_output: bool = True) -> ImageBuildDetails:
        """Return at once; `show_output` prints the log."""
        if show_output:
            sys.stdout.write(f"{self._log.rstrip()}\nImage Build Status: {self.status}\n")
        return self


class DockerImageDetails(dict[str, Any]):
    """What is known of an image, with v1's keys."""

    @property
    def image_exist(self) -> bool:
        """Whether the engine has it."""
        return bool(self.get("imageExistsInRegistry"))

    @property
    def repository(self) -> str | None:
        """Its name without the registry."""
        name: str | None = self["dockerImage"]["name"]
        return name

    @property
    def registry(self) -> str | None:
        """The registry's address."""
        address: str | None = self["dockerImage"]["registry"]["address"]
        return address

    @property
    def image(self) -> str | None:
        """The whole name."""
        return "/".join(filter(None, (self.registry, self.repository))) or None

    @property
    def interpreter_path(self) -> str | None:
        """The interpreter of an image that is taken as it is."""
        path: str | None = self["pythonEnvironment"]["interpreterPath"]
        return path

    @property
    def environment_path(self) -> None:
        """None: there is no conda environment in it."""
        return

    @property
    def dockerfile(self) -> str | None:
        """The Dockerfile that it is built from."""
        text: str | None = self["ingredients"]["dockerfile"]
        return text


def build(definition: Mapping[str, Json], *, in_container: bool | None) -> ImageBuildDetails:
    """
    Build a definition on this machine.

    Args:
        in_container: for containers; None decides by whether the definition says something of an image.

    Raises:
        RunEnvironmentException: it cannot be built.
        ServiceException: engine, index or disk failed; trying again can help.
    """
    builder = EnvironmentBuilder(Home.default().environments)
    section = _docker(definition)
    named = section.get("base_dockerfile") or section.get("base_image") not in (None, DEFAULT_CPU_IMAGE)
    with TemporaryDirectory() as folder:
        file = Path(folder, "log.txt")
        waiting = Waiting(log_file=file)
        if named if in_container is None else in_container:
            image = builder.image(definition, docker_engine.DockerEngine(), waiting)
            image.close()
            digest, said = image.digest, image.log
        else:
            found = builder.build(definition, waiting)
            found.close()
            digest, said = found.digest, found.log
        log = file.read_text(encoding="utf-8") if file.is_file() else said
    return ImageBuildDetails(log, digest)


def image_details(definition: Mapping[str, Json]) -> DockerImageDetails:
    """Return what this machine's engine knows of the image that a definition stands on."""
    section = _docker(definition)
    names = image_names(definition)
    dockerfile = section.get("base_dockerfile")
    engine = docker_engine.DockerEngine()
    is_there = bool(names) and all(engine.image(name) is not None for name in names)
    python = cast("Mapping[str, Json]", definition.get("python") or {})
    return DockerImageDetails(
        imageExistsInRegistry=is_there,
        dockerImage={
            "name": None if dockerfile else section.get("base_image"),
            "registry": {"address": section.get("base_image_registry"), "username": None, "password": None},
        },
        pythonEnvironment={
            "interpreterPath": python.get("interpreter_path") if python.get("user_managed_dependencies") else None,
            "condaEnvironmentPath": None,
        },
        ingredients={"dockerfile": dockerfile},
    )


def _docker(definition: Mapping[str, Json]) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", definition.get("docker") or {})
