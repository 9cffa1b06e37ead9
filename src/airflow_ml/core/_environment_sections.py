"""The parts of an environment: Python, Docker, Spark, R (see `azureml.core.environment`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.core._config_element import ConfigElement
from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.core.container_registry import ContainerRegistry
from airflow_ml.exceptions import NotSupportedError, UserErrorException

if TYPE_CHECKING:
    from airflow_ml.graph.model import Json

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "DockerBuildContext",
    "DockerImagePlatform",
    "DockerSection",
    "PythonSection",
    "RSection",
    "SparkPackage",
    "SparkSection",
]

DEFAULT_CPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20241216.v1"
DEFAULT_GPU_IMAGE = "mcr.microsoft.com/azureml/openmpi4.1.0-cuda11.8-cudnn8-ubuntu22.04"


class PythonSection(ConfigElement):
    """
    The interpreter and its packages.

    Attributes:
        interpreter_path: which Python, if `user_managed_dependencies` is set.
        user_managed_dependencies: take that interpreter as it is, install nothing.
        conda_dependencies: what to install otherwise; None for nothing.
        base_conda_environment: an existing conda environment of the worker, if nothing is to be installed.
    """

    def __init__(self, **kwargs: object) -> None:
        _refuse(kwargs, "PythonSection")
        self.interpreter_path = "python"
        self.user_managed_dependencies = False
        self.conda_dependencies: CondaDependencies | None = CondaDependencies()
        self.base_conda_environment: str | None = None
        self._conda_dependencies_file: str | None = None
        super().__init__()

    @property
    def conda_dependencies_file(self) -> str | None:
        """A conda YAML file; setting it reads the file into `conda_dependencies`."""
        return self._conda_dependencies_file

    @conda_dependencies_file.setter
    def conda_dependencies_file(self, path: str | None) -> None:
        if path is not None:
            self.conda_dependencies = CondaDependencies(path)
        self._conda_dependencies_file = path

    def to_definition(self) -> dict[str, Json]:
        """Return the section as data."""
        packages = self.conda_dependencies
        definition: dict[str, Json] = {
            "interpreter_path": self.interpreter_path,
            "user_managed_dependencies": self.user_managed_dependencies,
            "conda_dependencies": None if packages is None else packages.as_dict(),
        }
        if self.base_conda_environment is not None:
            definition["base_conda_environment"] = self.base_conda_environment
        return definition


class DockerImagePlatform(ConfigElement):
    """For which machines an image is made."""

    def __init__(self) -> None:
        self.os = "Linux"
        self.architecture = "amd64"
        super().__init__()


class DockerBuildContext(ConfigElement):
    """A folder that an image is built from; not supported yet, see `Environment.from_dockerfile`."""

    def __init__(
        self, location_type: str | None = None, location: str | None = None, dockerfile_path: str = "Dockerfile"
    ) -> None:
        raise NotSupportedError(
            f"DockerBuildContext({location_type!r}, {location!r}, {dockerfile_path!r}) is not supported yet; use "
            "Environment.from_dockerfile, or build the image yourself and use Environment.from_docker_image"
        )

    @staticmethod
    def from_local_directory(workspace: object, path: str, dockerfile_path: str = "Dockerfile") -> DockerBuildContext:
        """Not supported yet; see the class."""
        return DockerBuildContext(f"workspace {workspace!r}", path, dockerfile_path)


class DockerSection(ConfigElement):
    """
    The image and how its container is started.

    Attributes:
        enabled: deprecated in v1 and kept; it does not change a run configuration's `docker.use_docker`.
        base_image: name of the image; None if there is a Dockerfile.
        base_dockerfile: text of a Dockerfile, or None.
        shm_size: shared memory of the container, such as `2g`.
        arguments: further options of `docker run`.
    """

    def __init__(self, **kwargs: object) -> None:
        _refuse(kwargs, "DockerSection")
        self.enabled = False
        self.base_image: str | None = DEFAULT_CPU_IMAGE
        self.base_dockerfile: str | None = None
        self.build_context: DockerBuildContext | None = None
        self.base_image_registry = ContainerRegistry()
        self.platform = DockerImagePlatform()
        self.shm_size: str | None = "2g"
        self.shared_volumes = True
        self.arguments: list[str] = []
        self.gpu_support = True
        super().__init__()

    def to_definition(self) -> dict[str, Json]:
        """
        Return the section as data.

        Raises:
            NotSupportedError: it holds credentials.
        """
        if self.base_image_registry.username or self.base_image_registry.password:
            raise NotSupportedError(
                "environment: base_image_registry holds credentials, which a DAG file must not; log in on the worker "
                "(docker login) and give the address only"
            )
        definition: dict[str, Json] = {
            "base_image": self.base_image,
            "base_dockerfile": self.base_dockerfile,
            "base_image_registry": self.base_image_registry.address,
            "shm_size": self.shm_size,
            "shared_volumes": self.shared_volumes,
            "arguments": [*self.arguments],
            "platform": {"os": self.platform.os, "architecture": self.platform.architecture},
        }
        return {key: value for key, value in definition.items() if value is not None}


class SparkPackage(ConfigElement):
    """A package of Spark."""

    def __init__(self, group: str | None = None, artifact: str | None = None, version: str | None = None) -> None:
        self.group = group
        self.artifact = artifact
        self.version = version
        super().__init__()


class SparkSection(ConfigElement):
    """Settings of Spark, which does not run here: packages and repositories must stay empty."""

    def __init__(self, **kwargs: object) -> None:
        _refuse(kwargs, "SparkSection")
        self.repositories: list[str] = []
        self.packages: list[SparkPackage] = []
        self.precache_packages = True
        super().__init__()


class RSection(ConfigElement):
    """Packages of R, which are not installed: use an image that has them."""

    def __init__(self) -> None:
        self.r_version: str | None = None
        self.user_managed = False
        self.rscript_path: str | None = None
        self.snapshot_date: str | None = None
        self.cran_packages: list[object] | None = None
        self.github_packages: list[object] | None = None
        self.custom_url_packages: list[object] | None = None
        self.bioconductor_packages: list[object] | None = None
        super().__init__()


def _refuse(arguments: dict[str, object], section: str) -> None:
    if arguments:
        raise UserErrorException(f"{section}: unknown arguments {', '.join(sorted(arguments))}; set attributes instead")
