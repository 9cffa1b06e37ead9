"""The image of an environment (see `azureml.core.environment`)."""

from __future__ import annotations

import os

from airflow_ml.core._caller import base_directory
from airflow_ml.core.container_registry import ContainerRegistry
from airflow_ml.data._config_element import ConfigElement
from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from airflow_ml.data._config_element import Held
    from airflow_ml.graph.model import Json

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "DockerBuildContext",
    "DockerImagePlatform",
    "DockerSection",
]

DEFAULT_CPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20241216.v1"
DEFAULT_GPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04"


class DockerImagePlatform(ConfigElement):
    """For which machines an image is made."""

    def __init__(self) -> None:
        self.os = "Linux"
        self.architecture = "amd64"
        super().__init__()


class DockerBuildContext(ConfigElement):
    """
    A folder that an image is built from. It can be named; a step whose environment has one is refused.

    Attributes:
        location_type: `git` or `storageAccount`.
        location: address of the folder.
        dockerfile_path: the Dockerfile in it.
    """

    class LocationType:
        """v1's words for where a folder lies."""

        Git = "git"
        StorageAccount = "storageAccount"

    def __init__(
        self, location_type: str | None = None, location: str | None = None, dockerfile_path: str = "Dockerfile"
    ) -> None:
        self.location_type = location_type
        self.location = location
        self.dockerfile_path = dockerfile_path
        super().__init__()

    @staticmethod
    def from_local_directory(workspace: object, path: str, dockerfile_path: str = "Dockerfile") -> DockerBuildContext:
        """Not supported yet: use `Environment.from_dockerfile`."""
        raise NotSupportedError(
            f"DockerBuildContext.from_local_directory({path!r}, {dockerfile_path!r}) in {workspace!r}: a folder is not "
            "uploaded to be built yet; use Environment.from_dockerfile, or build the image yourself and use "
            "Environment.from_docker_image"
        )


class DockerSection(ConfigElement):
    """
    The image and how its container is started.

    `base_image`, `base_dockerfile` and `build_context` exclude one another: setting one empties the others (v1's
    rule).

    Attributes:
        base_image_registry: where the image comes from.
        platform: for which machines the image is made.
    """

    _holds: ClassVar[Held] = {"_build_context": DockerBuildContext}
    #: v1 asks for GPUs by itself; the flag is in no file.
    _not_in_files: ClassVar[frozenset[str]] = frozenset({"_is_sealed", "_gpu_support"})

    def __init__(self, **kwargs: object) -> None:
        self._refuse_arguments(kwargs)
        self._enabled = False
        self._base_image: str | None = DEFAULT_CPU_IMAGE
        self._base_dockerfile: str | None = None
        self._build_context: DockerBuildContext | None = None
        self._shared_volumes = True
        self._shm_size: str | None = "2g"
        self._arguments: list[str] = []
        self._gpu_support = True
        self.base_image_registry = ContainerRegistry()
        self.platform = DockerImagePlatform()
        super().__init__()

    @property
    def enabled(self) -> bool:
        """Deprecated in v1 and kept; it does not change a run configuration's `docker.use_docker`."""
        return self._enabled

    @enabled.setter
    def enabled(self, enabled: bool) -> None:
        self._enabled = enabled

    @property
    def base_image(self) -> str | None:
        """Name of the image; None if there is a Dockerfile or a build context."""
        return self._base_image

    @base_image.setter
    def base_image(self, base_image: str | None) -> None:
        if base_image is not None:
            self._base_dockerfile = self._build_context = None
        self._base_image = base_image

    @property
    def base_dockerfile(self) -> str | None:
        """Text of a Dockerfile, or None; the path of one can be set and is read at once (v1's rule)."""
        return self._base_dockerfile

    @base_dockerfile.setter
    def base_dockerfile(self, base_dockerfile: str | None) -> None:
        if base_dockerfile is not None:
            self._base_image = self._build_context = None
        self._base_dockerfile = _text_of(base_dockerfile)

    @property
    def build_context(self) -> DockerBuildContext | None:
        """A folder that the image is built from, or None."""
        return self._build_context

    @build_context.setter
    def build_context(self, build_context: DockerBuildContext | None) -> None:
        if build_context is not None:
            self._base_image = self._base_dockerfile = None
        self._build_context = build_context

    @property
    def shared_volumes(self) -> bool:
        """Kept for v1 code."""
        return self._shared_volumes

    @shared_volumes.setter
    def shared_volumes(self, shared_volumes: bool) -> None:
        self._shared_volumes = shared_volumes

    @property
    def shm_size(self) -> str | None:
        """Shared memory of the container, such as `2g`."""
        return self._shm_size

    @shm_size.setter
    def shm_size(self, shm_size: str | None) -> None:
        self._shm_size = shm_size

    @property
    def arguments(self) -> list[str]:
        """Further options of `docker run`."""
        return self._arguments

    @arguments.setter
    def arguments(self, arguments: list[str] | None) -> None:
        self._arguments = [] if arguments is None else arguments

    @property
    def gpu_support(self) -> bool:
        """Deprecated in v1 and kept: the devices of a step follow from its compute target."""
        return self._gpu_support

    @gpu_support.setter
    def gpu_support(self, gpu_support: bool) -> None:
        self._gpu_support = gpu_support

    def to_definition(self) -> dict[str, Json]:
        """
        Return the section as data.

        Raises:
            NotSupportedError: it holds credentials or a build context.
        """
        if self.base_image_registry.has_credentials:
            raise NotSupportedError(
                "environment: base_image_registry holds credentials, which a DAG file must not; log in on the worker "
                "(docker login) and give the address only, or name an Airflow connection in "
                "base_image_registry.connection"
            )
        if self._build_context is not None:
            raise NotSupportedError(
                f"environment: docker.build_context {self._build_context.location!r} is not built yet; use "
                "Environment.from_dockerfile, or build the image yourself and use Environment.from_docker_image"
            )
        definition: dict[str, Json] = {
            "base_image": self._base_image,
            "base_dockerfile": self._base_dockerfile,
            "base_image_registry": self.base_image_registry.address,
            "base_image_registry_connection": self.base_image_registry.connection,
            "shm_size": self._shm_size,
            "shared_volumes": self._shared_volumes,
            "arguments": [*self._arguments],
            "platform": {"os": self.platform.os, "architecture": self.platform.architecture},
        }
        return {key: value for key, value in definition.items() if value is not None}


def _text_of(dockerfile: str | None) -> str | None:
    if not isinstance(dockerfile, str) or "\n" in dockerfile:
        return dockerfile
    file = os.path.join(base_directory(), dockerfile)
    if not os.path.isfile(file):
        return dockerfile
    with open(file, encoding="utf-8") as stream:
        return stream.read()
