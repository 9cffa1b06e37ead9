"""What a step's process finds installed (`azureml.core.environment`)."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.core._caller import is_parsing_dag
from airflow_ml.core._docker_section import (
    DEFAULT_CPU_IMAGE,
    DEFAULT_GPU_IMAGE,
    DockerBuildContext,
    DockerImagePlatform,
    DockerSection,
)
from airflow_ml.core._environment_building import BuiltByHand
from airflow_ml.core._environment_sections import (
    PythonSection,
    RCranPackage,
    RGitHubPackage,
    RSection,
    SparkPackage,
    SparkSection,
)
from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.core.container_registry import ContainerRegistry
from airflow_ml.core.databricks import DatabricksSection
from airflow_ml.data._config_element import ConfigElement, checked_variables
from airflow_ml.exceptions import NotSupportedError, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    import json
    from collections.abc import Mapping, Sequence
    from typing import ClassVar

    from airflow_ml.core import (
        _curated,
        _environment_by_name,
        _environment_data,
        _environment_files,
        _environment_making,
        _file_form,
    )
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data._config_element import Held
    from airflow_ml.graph.model import Json
else:
    _curated = late("airflow_ml.core._curated")
    _environment_by_name = late("airflow_ml.core._environment_by_name")
    _environment_data = late("airflow_ml.core._environment_data")
    _environment_files = late("airflow_ml.core._environment_files")
    _environment_making = late("airflow_ml.core._environment_making")
    _file_form = late("airflow_ml.core._file_form")
    json = late("json")

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "CondaDependencies",
    "ContainerRegistry",
    "DatabricksSection",
    "DockerBuildContext",
    "DockerImagePlatform",
    "DockerSection",
    "Environment",
    "EnvironmentReference",
    "PythonSection",
    "RCranPackage",
    "RGitHubPackage",
    "RSection",
    "SparkPackage",
    "SparkSection",
]

if TYPE_CHECKING:
    #: Written here because inside the class `list` is v1's method.
    EnvironmentsByName = dict[str, "Environment"]

#: The variable that every environment of v1 starts with.
_EXAMPLE = {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
_RESERVED_PREFIX = "azureml-"


class Environment(BuiltByHand, ConfigElement):
    """
    A named definition of interpreter, packages, image and environment variables.

    Built on the worker at the first use of equal packages; registering is needed only to find it by name again.

    Attributes:
        version: of the registered definition; None for one that was made here.
        python: interpreter and packages.
        docker: image and how its container is started.
        spark: must stay empty.
        databricks: must stay empty.
        r: must stay None.
        inferencing_stack_version: kept; it concerns serving, which is not done here.
        asset_id: kept for v1's files.

    Raises:
        UserErrorException: other arguments than the name.
        TypeError: a name that is no text (v1's type).
    """

    _holds: ClassVar[Held] = {"r": RSection}

    def __init__(self, name: str, **kwargs: object) -> None:
        if kwargs:
            raise UserErrorException(
                f"environment {name!r}: unknown arguments {', '.join(sorted(kwargs))}; set attributes instead"
            )
        if not isinstance(name, str):
            raise TypeError(f"environment {name!r}: the name is of type {type(name).__name__}, expected text")
        self.name = name
        self.version: str | None = None
        self._environment_variables: dict[str, str] = dict(_EXAMPLE)
        self.python = PythonSection()
        self.docker = DockerSection()
        self.spark = SparkSection()
        self.databricks = DatabricksSection()
        self.r: RSection | None = None
        self.inferencing_stack_version: str | None = None
        self.asset_id: str | None = None
        super().__init__()

    @property
    def environment_variables(self) -> dict[str, str]:
        """Variables of the script's process; a mapping that can be changed or replaced."""
        return self._environment_variables

    @environment_variables.setter
    def environment_variables(self, variables: Mapping[str, str] | None) -> None:
        self._environment_variables = checked_variables(variables, where=f"environment {self.name!r}")

    def to_definition(self) -> dict[str, Json]:
        """
        Return the environment as the graph and the registry hold it.

        Raises:
            NotSupportedError: Spark packages, Databricks libraries, R, a Docker build context, or credentials.
        """
        if self.spark.packages or self.spark.repositories:
            raise NotSupportedError(f"environment {self.name!r}: Spark packages are not supported; remove them")
        if not self.databricks.is_empty:
            raise NotSupportedError(
                f"environment {self.name!r}: Databricks settings are not supported; remove them, and use Airflow's own "
                "Databricks operators beside the pipeline"
            )
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
            version = definition.get("version")
            return _environment_by_name.EnvironmentByName(
                str(definition["name"]), None if version is None else str(version)
            )
        made = Environment(str(definition.get("name")))
        _environment_data.fill_environment(made, definition)
        return made

    def clone(self, new_name: str) -> Environment:
        """
        Return a copy of another name, without a version.

        Raises:
            UserErrorException: no name.
        """
        if not new_name or not isinstance(new_name, str):
            raise UserErrorException(f"environment {self.name!r}: a copy needs a name, not {new_name!r}")
        copied = self._copied()
        copied.name = new_name
        copied.version = None
        return copied

    @staticmethod
    def from_conda_specification(name: str, file_path: str) -> Environment:
        """
        Return an environment with the packages of a conda YAML file.

        Raises:
            UserErrorException: the file is not there, or not such a file.
        """
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
        return _environment_making.with_pip_requirements(name, file_path)

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
        made = _environment_making.with_packages(name, conda_specification, pip_requirements)
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
        made = _environment_making.with_packages(name, conda_specification, pip_requirements)
        made.docker.base_dockerfile = _environment_making.read_dockerfile(name, dockerfile)
        return made

    @staticmethod
    def from_docker_build_context(name: str, docker_build_context: DockerBuildContext) -> Environment:
        """
        Return an environment whose image is built from a folder.

        It can be kept in files; a step that names it is refused, because such images are not built yet.
        """
        if not isinstance(docker_build_context, DockerBuildContext):
            raise UserErrorException(
                f"environment {name!r}: {docker_build_context!r} is not a DockerBuildContext; make one, or use "
                "Environment.from_dockerfile"
            )
        made = Environment(name)
        made.python.user_managed_dependencies = True
        made.docker.build_context = docker_build_context
        return made

    @staticmethod
    def load_from_directory(path: str) -> Environment:
        """
        Return the environment that `save_to_directory` wrote; v1's folders are read too.

        Raises:
            UserErrorException: there is none, or it cannot be read.
        """
        made = Environment("")
        _environment_files.load(made, path)
        return made

    def save_to_directory(self, path: str, overwrite: bool = False) -> None:
        """
        Write the environment to a folder in v1's layout: a JSON file, the packages and the Dockerfile beside it.

        Raises:
            FileExistsError: the folder is there, and `overwrite` is False (v1's type).
            NotSupportedError: it holds credentials.
        """
        _environment_files.save(self, path, overwrite=overwrite)

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
            label: the version that carries it, instead of a version; `latest` is the newest.

        Raises:
            RunEnvironmentException: there is no such name, version or label.
            UserErrorException: version and label, or a label while Airflow parses a DAG file.
            NotSupportedError: a curated environment whose packages no machine can have.
        """
        if version is not None and label is not None:
            raise UserErrorException(
                f"environment {name!r}: version {version!r} and label {label!r} are given; give one of them"
            )
        if _curated.is_curated(name):
            return _environment_making.curated(name)
        if is_parsing_dag():
            if label is not None:
                raise UserErrorException(
                    f"environment {name!r}: label {label!r} cannot be looked up while Airflow parses the DAG file; "
                    "name the version"
                )
            return _environment_by_name.EnvironmentByName(name, version)
        environments = workspace.registry().environments
        record = environments.get(name, version) if label is None else environments.labelled(name, label)
        return Environment.from_definition({**record.definition, "version": record.version})

    @staticmethod
    def list(workspace: Workspace) -> EnvironmentsByName:
        """Return the newest version of each registered environment, by name; curated ones are not listed."""
        return load_registered(workspace)

    @staticmethod
    def label(workspace: Workspace, name: str, version: str, labels: Sequence[str]) -> None:
        """
        Put labels on a registered version and take them off the other versions of its name.

        Raises:
            UserErrorException: text instead of a list, or the label `latest`, which always is the newest version.
            RunEnvironmentException: there is no such name or version.
        """
        if isinstance(labels, str) or "latest" in labels:
            raise UserErrorException(
                f"environment {name!r}: labels {labels!r} cannot be set; expected a list of words other than 'latest'"
            )
        workspace.registry().environments.set_labels(name, version, labels)

    def __repr__(self) -> str:
        # v1 shows the whole definition.
        return json.dumps(_file_form.file_form(self), indent=4, sort_keys=True, default=str)

    def __str__(self) -> str:
        return f"Environment(Name: {self.name},\nVersion: {self.version})"


class EnvironmentReference(ConfigElement):
    """An environment by name and version."""

    def __init__(self, name: str, version: str | None = None) -> None:
        self.name = name
        self.version = version
        super().__init__()

    def get_environment(self, workspace: Workspace) -> Environment:
        """Return the environment; see `Environment.get`."""
        return Environment.get(workspace, self.name, self.version)


def load_registered(workspace: Workspace) -> dict[str, Environment]:
    """Return the newest version of each registered environment, by name."""
    return {
        record.name: Environment.from_definition({**record.definition, "version": record.version})
        for record in workspace.registry().environments.list()
    }
