"""What a step's process finds installed (`azureml.core.environment`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.core._caller import base_directory, is_parsing_dag
from airflow_ml.core._config_element import ConfigElement
from airflow_ml.core._curated import packages_of
from airflow_ml.core._environment_data import as_mapping, as_text, fill_docker, fill_python
from airflow_ml.core._environment_sections import (
    DEFAULT_CPU_IMAGE,
    DEFAULT_GPU_IMAGE,
    DockerBuildContext,
    DockerImagePlatform,
    DockerSection,
    PythonSection,
    RSection,
    SparkPackage,
    SparkSection,
)
from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.core.container_registry import ContainerRegistry
from airflow_ml.exceptions import NotSupportedError, UserErrorException

if TYPE_CHECKING:
    from typing import NoReturn

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph.model import Json

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "CondaDependencies",
    "ContainerRegistry",
    "DockerBuildContext",
    "DockerImagePlatform",
    "DockerSection",
    "Environment",
    "PythonSection",
    "RSection",
    "SparkPackage",
    "SparkSection",
]

#: The variable that every environment of v1 starts with.
_EXAMPLE = {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
_RESERVED_PREFIX = "azureml-"
_FILE = "azureml_environment.json"


class Environment(ConfigElement):
    """
    A named definition of interpreter, packages, image and environment variables.

    Built on the worker at the first use of equal packages; registering is needed only to find it by name again.

    Attributes:
        version: of the registered definition; None for one that was made here.
        python: interpreter and packages.
        docker: image and how its container is started.
        spark: must stay empty.
        r: must stay None.
        inferencing_stack_version: kept; it concerns serving, which is not done here.

    Raises:
        UserErrorException: other arguments than the name.
    """

    def __init__(self, name: str, **kwargs: object) -> None:
        if kwargs:
            raise UserErrorException(
                f"environment {name!r}: unknown arguments {', '.join(sorted(kwargs))}; set attributes instead"
            )
        self.name = name
        self.version: str | None = None
        self.python = PythonSection()
        self.docker = DockerSection()
        self.spark = SparkSection()
        self.r: RSection | None = None
        self.inferencing_stack_version: str | None = None
        self._environment_variables: dict[str, str] = dict(_EXAMPLE)
        super().__init__()

    @property
    def environment_variables(self) -> dict[str, str]:
        """Variables of the script's process; a mapping that can be changed or replaced."""
        return self._environment_variables

    @environment_variables.setter
    def environment_variables(self, variables: Mapping[str, str] | None) -> None:
        self._environment_variables = dict(variables or {})

    # --- as data ------------------------------------------------------------------------------------------------------

    def to_definition(self) -> dict[str, Json]:
        """
        Return the environment as the graph and the registry hold it.

        Raises:
            NotSupportedError: Spark packages, R, a Docker build context, or credentials.
        """
        if self.spark.packages or self.spark.repositories:
            raise NotSupportedError(f"environment {self.name!r}: Spark packages are not supported; remove them")
        if self.r is not None:
            raise NotSupportedError(f"environment {self.name!r}: R is not supported; use an image that has it")
        return {
            "name": self.name,
            "version": self.version,
            "python": self.python.to_definition(),
            "docker": self.docker.to_definition(),
            "environment_variables": dict(self._environment_variables),
        }

    @staticmethod
    def from_definition(definition: Mapping[str, Json]) -> Environment:
        """Return an environment from what `to_definition` gave."""
        if definition.get("by_reference"):
            return _EnvironmentByName(str(definition["name"]), as_text(definition.get("version")))
        made = Environment(str(definition.get("name")))
        made.version = as_text(definition.get("version"))
        fill_python(made.python, as_mapping(definition.get("python")))
        fill_docker(made.docker, as_mapping(definition.get("docker")))
        variables = as_mapping(definition.get("environment_variables"))
        made.environment_variables = {key: str(value) for key, value in variables.items()}
        return made

    def clone(self, new_name: str) -> Environment:
        """Return a copy of another name, without a version."""
        copied = self._copied()
        copied.name = new_name
        copied.version = None
        return copied

    # --- making -------------------------------------------------------------------------------------------------------

    @staticmethod
    def from_conda_specification(name: str, file_path: str) -> Environment:
        """Return an environment with the packages of a conda YAML file."""
        made = Environment(name)
        made.python.conda_dependencies = CondaDependencies(file_path)
        return made

    @staticmethod
    def from_pip_requirements(name: str, file_path: str, pip_version: str | None = None) -> Environment:
        """
        Return an environment with the packages of a requirements file.

        Args:
            pip_version: has no effect: packages are installed by uv, or by the worker's pip.
        """
        del pip_version
        made = Environment(name)
        packages = CondaDependencies.create()
        packages.set_pip_requirements(_read(file_path, where=f"environment {name!r}"))
        made.python.conda_dependencies = packages
        return made

    @staticmethod
    def from_existing_conda_environment(name: str, conda_environment_name: str) -> Environment:
        """Return an environment that is a conda environment of the worker, as it is."""
        made = Environment(name)
        made.python.conda_dependencies = None
        made.python.base_conda_environment = conda_environment_name
        return made

    @staticmethod
    def from_docker_image(
        name: str,
        image: str,
        container_registry: ContainerRegistry | None = None,
        conda_specification: str | None = None,
        pip_requirements: str | None = None,
    ) -> Environment:
        """
        Return an environment of an image.

        Args:
            conda_specification: conda YAML file of packages on top of the image.
            pip_requirements: requirements file instead; without either the image is taken as it is.

        Raises:
            UserErrorException: both files.
        """
        made = _with_packages(name, conda_specification, pip_requirements)
        made.docker.base_image = image
        if container_registry is not None:
            made.docker.base_image_registry = container_registry
        return made

    @staticmethod
    def from_dockerfile(
        name: str, dockerfile: str, conda_specification: str | None = None, pip_requirements: str | None = None
    ) -> Environment:
        """
        Return an environment whose image is built.

        Args:
            dockerfile: a file, or the text itself.
            conda_specification: as in `from_docker_image`.
            pip_requirements: as in `from_docker_image`.
        """
        made = _with_packages(name, conda_specification, pip_requirements)
        is_text = "\n" in dockerfile or dockerfile.lstrip().upper().startswith("FROM ")
        made.docker.base_dockerfile = dockerfile if is_text else _read(dockerfile, where=f"environment {name!r}")
        made.docker.base_image = None
        return made

    @staticmethod
    def from_docker_build_context(name: str, docker_build_context: object) -> NoReturn:
        """Not supported yet: use `from_dockerfile`."""
        raise NotSupportedError(
            f"environment {name!r}: a build context ({docker_build_context!r}) is not supported yet; use "
            "Environment.from_dockerfile, or build the image yourself and use Environment.from_docker_image"
        )

    @staticmethod
    def load_from_directory(path: str) -> Environment:
        """Return the environment that `save_to_directory` wrote."""
        text = _read(str(Path(path) / _FILE), where="environment")
        return Environment.from_definition(json.loads(text))

    def save_to_directory(self, path: str, overwrite: bool = False) -> None:
        """
        Write the environment to a folder.

        Raises:
            UserErrorException: the folder holds one, and `overwrite` is False.
        """
        target = Path(path) / _FILE
        if target.exists() and not overwrite:
            raise UserErrorException(f"environment {self.name!r}: {str(target)!r} is there; pass overwrite=True")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(self.to_definition(), indent=4) + "\n", encoding="utf-8")

    # --- in the workspace ---------------------------------------------------------------------------------------------

    def register(self, workspace: Workspace) -> Environment:
        """
        Register the definition and return it with its version; an equal one keeps the version it has.

        Raises:
            UserErrorException: a name that begins with `AzureML-`, which is for curated environments.
        """
        if self.name.lower().startswith(_RESERVED_PREFIX):
            raise UserErrorException(
                f"environment {self.name!r}: names beginning with 'AzureML-' are for curated environments; choose "
                "another name, or clone it"
            )
        definition = {**self.to_definition(), "version": None}
        record = workspace.registry().environments.register(self.name, definition)
        self.version = record.version
        return Environment.from_definition({**record.definition, "version": record.version})

    @staticmethod
    def get(workspace: Workspace, name: str, version: str | None = None, label: str | None = None) -> Environment:
        """
        Return a curated environment, or a registered one.

        While Airflow parses a DAG file a registered one is taken by its name and looked up in the run; it cannot be
        changed then.

        Args:
            version: default: the newest. Curated environments have one.

        Raises:
            RunEnvironmentException: there is no such name or version.
            NotSupportedError: a label.
        """
        if label is not None:
            raise NotSupportedError(f"environment {name!r}: label {label!r} is not supported; give a version")
        packages = packages_of(name)
        if packages is not None:
            return _curated(name, packages)
        if is_parsing_dag():
            return _EnvironmentByName(name, version)
        record = workspace.registry().environments.get(name, version)
        return Environment.from_definition({**record.definition, "version": record.version})

    @staticmethod
    def list(workspace: Workspace) -> dict[str, Environment]:
        """Return the newest version of each registered environment, by name; curated ones are not listed."""
        return load_registered(workspace)

    # --- what has no meaning here -------------------------------------------------------------------------------------

    @staticmethod
    def add_private_pip_wheel(workspace: Workspace, file_path: str, exist_ok: bool = False) -> NoReturn:
        """Not supported: put the wheel into the source directory or on a package index."""
        raise NotSupportedError(
            f"add_private_pip_wheel({file_path!r}, exist_ok={exist_ok!r}) in workspace {workspace.name!r} is not "
            "supported; use a package index of your own (CondaDependencies.set_pip_index_url)"
        )

    def build(self, workspace: Workspace, image_build_compute: str | None = None) -> NoReturn:
        """Not supported yet: environments are built at their first use."""
        raise self._built_by_itself("build", workspace, image_build_compute)

    def build_local(self, workspace: Workspace, platform: object = None, **kwargs: object) -> NoReturn:
        """Not supported yet: environments are built at their first use."""
        raise self._built_by_itself("build_local", workspace, platform, kwargs)

    def get_image_details(self, workspace: Workspace) -> NoReturn:
        """Not supported yet: environments are built at their first use."""
        raise self._built_by_itself("get_image_details", workspace)

    @staticmethod
    def label(workspace: Workspace, name: str, version: str, labels: Sequence[str]) -> NoReturn:
        """Not supported: name versions."""
        raise NotSupportedError(
            f"environment {name!r} {version!r} of workspace {workspace.name!r}: labels {labels!r} are not supported; "
            "name the version where it is used"
        )

    def _built_by_itself(self, call: str, *_arguments: object) -> NotSupportedError:
        return NotSupportedError(
            f"environment {self.name!r}: {call} is not supported; the environment is built at its first use, run a "
            "step with it"
        )


class _EnvironmentByName(Environment):
    """A registered environment that is looked up in the run."""

    def __init__(self, name: str, version: str | None) -> None:
        self.name = name
        self.version = version
        self._is_sealed = True

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        raise UserErrorException(
            f"environment {self.__dict__.get('name')!r}: while Airflow parses the DAG file only its name is known, not "
            f"{name!r}; define it in the file with Environment(...), or take it as it is"
        )

    def to_definition(self) -> dict[str, Json]:
        """Return name and version."""
        return {"name": self.name, "version": self.version, "by_reference": True}

    def clone(self, new_name: str) -> NoReturn:
        """Raise: the content is not known."""
        raise UserErrorException(
            f"environment {self.name!r}: cannot be cloned as {new_name!r} while Airflow parses the DAG file, which "
            "knows only its name; define it in the file with Environment(...)"
        )


def load_registered(workspace: Workspace) -> dict[str, Environment]:
    """Return the newest version of each registered environment, by name."""
    return {
        record.name: Environment.from_definition({**record.definition, "version": record.version})
        for record in workspace.registry().environments.list()
    }


def _curated(name: str, packages: Sequence[str]) -> Environment:
    made = Environment(name)
    dependencies: list[Json] = [{"pip": [*packages]}] if packages else []
    made.python.conda_dependencies = CondaDependencies(
        _underlying_structure={"name": "project_environment", "channels": ["conda-forge"], "dependencies": dependencies}
    )
    return made


def _with_packages(name: str, conda_specification: str | None, pip_requirements: str | None) -> Environment:
    if conda_specification is not None and pip_requirements is not None:
        raise UserErrorException(
            f"environment {name!r}: conda_specification and pip_requirements are given; give one of them"
        )
    if conda_specification is not None:
        return Environment.from_conda_specification(name, conda_specification)
    if pip_requirements is not None:
        return Environment.from_pip_requirements(name, pip_requirements)
    made = Environment(name)
    made.python.user_managed_dependencies = True
    return made


def _read(path: str, *, where: str) -> str:
    file = Path(base_directory()) / path
    try:
        return file.read_text(encoding="utf-8")
    except OSError as exc:
        raise UserErrorException(
            f"{where}: file {str(file)!r} cannot be read ({exc.strerror}); correct the path"
        ) from exc
