"""How a script is run: target, environment, nodes (`azureml.core.runconfig`)."""

from __future__ import annotations

from airflow_ml._exports import lazy_exports
from airflow_ml._late import late
from airflow_ml.core._runconfig_sections import (
    AmlComputeConfiguration,
    ApplicationEndpointConfiguration,
    DockerConfiguration,
    HdiConfiguration,
    HistoryConfiguration,
    KubernetesComputeConfiguration,
    MpiConfiguration,
    ParallelTaskConfiguration,
    PyTorchConfiguration,
    SparkConfiguration,
    TensorflowConfiguration,
)
from airflow_ml.core.compute.compute import ComputeTarget
from airflow_ml.core.conda_dependencies import CondaDependencies
from airflow_ml.core.environment import DEFAULT_CPU_IMAGE, DEFAULT_GPU_IMAGE, Environment
from airflow_ml.data._config_element import ConfigElement, checked_variables
from airflow_ml.exceptions import NotSupportedError, RunConfigurationException

TYPE_CHECKING = False
if TYPE_CHECKING:
    import json
    from collections.abc import Mapping, Sequence
    from typing import Any, ClassVar

    from airflow_ml.core import _data_sections, _file_form, _runconfig_files
    from airflow_ml.core._data_sections import (
        Data,
        DatacacheConfiguration,
        DataLocation,
        DataPath,
        DataReferenceConfiguration,
        Dataset,
        DatasetRegistrationOptions,
        GlobsOptions,
        MountOptions,
        OutputData,
        OutputOptions,
        RegistrationOptions,
        UploadOptions,
        Uri,
    )
    from airflow_ml.core.container_registry import ContainerRegistry
    from airflow_ml.core.databricks import (
        DatabricksCluster,
        DatabricksSection,
        EggLibrary,
        JarLibrary,
        MavenLibrary,
        PyPiLibrary,
        RCranLibrary,
    )
    from airflow_ml.core.environment import DockerSection, PythonSection, SparkSection
    from airflow_ml.graph.model import Json
else:
    _data_sections = late("airflow_ml.core._data_sections")
    _file_form = late("airflow_ml.core._file_form")
    _runconfig_files = late("airflow_ml.core._runconfig_files")
    json = late("json")

__all__ = [
    "DEFAULT_CPU_IMAGE",
    "DEFAULT_GPU_IMAGE",
    "MPI_CPU_IMAGE",
    "MPI_GPU_IMAGE",
    "AmlComputeConfiguration",
    "ApplicationEndpointConfiguration",
    "CondaDependencies",
    "ContainerRegistry",
    "Data",
    "DataLocation",
    "DataPath",
    "DataReferenceConfiguration",
    "DatabricksCluster",
    "DatabricksSection",
    "DatacacheConfiguration",
    "Dataset",
    "DatasetRegistrationOptions",
    "DockerConfiguration",
    "DockerSection",
    "EggLibrary",
    "Environment",
    "EnvironmentDefinition",
    "GlobsOptions",
    "HdiConfiguration",
    "HistoryConfiguration",
    "JarLibrary",
    "KubernetesComputeConfiguration",
    "MavenLibrary",
    "MountOptions",
    "MpiConfiguration",
    "OutputData",
    "OutputOptions",
    "ParallelTaskConfiguration",
    "PyPiLibrary",
    "PyTorchConfiguration",
    "PythonSection",
    "RCranLibrary",
    "RegistrationOptions",
    "RunConfiguration",
    "SparkConfiguration",
    "SparkSection",
    "TensorflowConfiguration",
    "UploadOptions",
    "Uri",
]

#: v1's older names of the default images.
MPI_CPU_IMAGE = DEFAULT_CPU_IMAGE
MPI_GPU_IMAGE = DEFAULT_GPU_IMAGE
#: v1's older name of Environment.
EnvironmentDefinition = Environment

_DATA_SECTIONS = (
    *("Data", "DataLocation", "DataPath", "DataReferenceConfiguration", "DatacacheConfiguration", "Dataset"),
    *("DatasetRegistrationOptions", "GlobsOptions", "MountOptions", "OutputData", "OutputOptions"),
    *("RegistrationOptions", "UploadOptions", "Uri"),
)
_DATABRICKS = ("DatabricksCluster", "EggLibrary", "JarLibrary", "MavenLibrary", "PyPiLibrary", "RCranLibrary")

# Few run configurations need these; they are imported at their first use.
__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        **dict.fromkeys(_DATA_SECTIONS, "_data_sections"),
        **dict.fromkeys((*_DATABRICKS, "DatabricksSection"), "databricks"),
        **dict.fromkeys(("DockerSection", "PythonSection", "SparkSection"), "environment"),
        "ContainerRegistry": "container_registry",
    },
    (),
    folder="airflow_ml.core",
)

_FRAMEWORKS = ("Python", "PyTorch", "TensorFlow")
_COMMUNICATORS = ("None", "ParameterServer", "OpenMpi", "IntelMpi", "Mpi", "Nccl", "Gloo")
_DEFAULT_NAME = "default-environment"
#: What v1 hands to services that do not exist here: it may be read, and must be left at its default.
_WITHOUT_MEANING = {
    "spark": "Spark does not run here",
    "hdi": "HDInsight does not run here",
    "paralleltask": "use ParallelRunStep",
    "amlcompute": "name a compute target",
    "kubernetescompute": "use Airflow's KubernetesExecutor",
    "data_references": "put the references into the step's inputs",
    "data": "put datasets into the step's inputs with as_named_input",
    "output_data": "put OutputFileDatasetConfig objects into the step's arguments or outputs",
    "datacaches": "mounted files are kept on the worker without being asked",
    "services": "start services beside the pipeline",
    "auto_cluster_compute_specification": "name a compute target",
    "source_directory_data_store": "snapshots lie in the workspace's own store",
    "credential_passthrough": "steps run under the worker's account",
    "priority": "give the priority to the Airflow pool or task",
    "history": "files under ./outputs and ./logs are collected",
}


class RunConfiguration(ConfigElement):
    """
    How a script is run.

    Args:
        script: path of the script in the source directory.
        arguments: of the script.
        framework: `Python`, `PyTorch` or `TensorFlow`.
        communicator: for several processes: `ParameterServer`, `Mpi`, `Nccl` or `Gloo`, else `None`.
        conda_dependencies: packages of the environment.

    Attributes:
        target: name of the compute target, `local` until it is set; an object may be set and its name is taken.
        environment: what the process finds installed; may be changed or replaced.
        environment_variables: of the script's process, besides the environment's own.
        docker: whether and how a container is used.

    Raises:
        RunConfigurationException: an unknown framework or communicator, or arguments that are one text.
        AttributeError: a misspelt attribute is set.
    """

    _file_names: ClassVar[Mapping[str, str]] = {"services": "applicationEndpoints"}
    _not_in_files: ClassVar[frozenset[str]] = frozenset({"_is_sealed", "_auto_prepare_environment", "_name", "_path"})

    def __init__(
        self,
        script: str | None = None,
        arguments: Sequence[object] | None = None,
        framework: str | None = None,
        communicator: str | None = None,
        conda_dependencies: CondaDependencies | None = None,
        _history_enabled: bool | None = None,
        _path: str | None = None,
        _name: str | None = None,
        command: str | Sequence[object] | None = None,
    ) -> None:
        del _history_enabled
        if arguments is not None and not isinstance(arguments, (list, tuple)):
            raise RunConfigurationException(
                f"run configuration: arguments is {arguments!r}, expected a list; write [{arguments!r}]"
            )
        self._path = _path
        self._name = _name
        self.script = script
        self.command: str | Sequence[object] = "" if command is None else command
        self.arguments: list[object] = list(arguments or [])
        self._target = "local"
        self.framework = _one_of("framework", framework or "Python", _FRAMEWORKS)
        self.communicator = _one_of("communicator", communicator or "None", _COMMUNICATORS)
        self.node_count = 1
        self.max_run_duration_seconds: int | None = None
        self._auto_prepare_environment = True
        self._environment_variables: dict[str, str] = {}
        self.environment = Environment(_DEFAULT_NAME)
        if conda_dependencies is not None:
            self.environment.python.conda_dependencies = conda_dependencies
        self._add_sections()
        super().__init__()

    def _add_sections(self) -> None:
        self.docker = DockerConfiguration()
        self.mpi = MpiConfiguration()
        self.pytorch = PyTorchConfiguration()
        self.tensorflow = TensorflowConfiguration()
        self.history = HistoryConfiguration()
        self.spark = SparkConfiguration()
        self.hdi = HdiConfiguration()
        self.paralleltask = ParallelTaskConfiguration()
        self.amlcompute = AmlComputeConfiguration()
        self.kubernetescompute = KubernetesComputeConfiguration()
        self.data_references: dict[str, object] = {}
        self.data: dict[str, object] = {}
        self.output_data: dict[str, object] = {}
        self.datacaches: list[object] = []
        self.services: dict[str, object] = {}
        self.source_directory_data_store: str | None = None
        self.credential_passthrough = False
        self.priority: int | None = None
        self.auto_cluster_compute_specification: object = None

    @property
    def target(self) -> str:
        """Name of the compute target; `local` until it is set, and again when it is set to None."""
        return self._target

    @target.setter
    def target(self, target: ComputeTarget | str | None) -> None:
        if target is None:
            self._target = "local"
        elif isinstance(target, ComputeTarget):
            self._target = target.name
        elif isinstance(target, str):
            self._target = target
        else:
            raise RunConfigurationException(
                f"run configuration: target {target!r} is neither a compute target nor a name; set one of them"
            )

    @property
    def environment_variables(self) -> dict[str, str]:
        """Variables of the script's process, besides the environment's own."""
        return self._environment_variables

    @environment_variables.setter
    def environment_variables(self, variables: Mapping[str, str] | None) -> None:
        self._environment_variables = checked_variables(variables, where="run configuration")

    @property
    def auto_prepare_environment(self) -> bool:
        """Always True: an environment is built when it is missing."""
        return self._auto_prepare_environment

    @auto_prepare_environment.setter
    def auto_prepare_environment(self, value: bool) -> None:
        if not value:
            raise NotSupportedError(
                "run configuration: auto_prepare_environment=False is not supported; set "
                "environment.python.user_managed_dependencies to take an interpreter as it is"
            )

    def environment_definition(self) -> dict[str, Json] | None:
        """
        Return the environment as the graph holds it; None if it is the default one, left as it was.

        None means the worker's own interpreter. In v1 it means Microsoft's default image, of which nothing but the
        Python packages of the SDK could be relied on.
        """
        definition = self.environment.to_definition()
        return None if definition == Environment(_DEFAULT_NAME).to_definition() else definition

    def check_supported(self, *, where: str) -> None:
        """
        Check what v1 would take to a service that does not exist here.

        Args:
            where: what the configuration belongs to, for the error.

        Raises:
            NotSupportedError: such a part was changed, or the framework is one that does not run here (PySpark).
        """
        if self.framework not in _FRAMEWORKS:
            raise NotSupportedError(
                f"{where}: run configuration: framework {self.framework!r} does not run here; use one of"
                f" {', '.join(_FRAMEWORKS)}"
            )
        fresh = vars(RunConfiguration())
        for name, instead in _WITHOUT_MEANING.items():
            if _plain(getattr(self, name)) != _plain(fresh[name]):
                raise NotSupportedError(
                    f"{where}: run configuration: {name} was changed, which has no effect; {instead}"
                )

    def save(self, path: str | None = None, name: str | None = None, separate_environment_yaml: bool = False) -> None:
        """
        Write the configuration as YAML, in v1's layout; v1 can read it.

        Args:
            path: a project folder, which gets `.azureml/NAME`, or the path of a file; default: where the
                configuration was loaded from, else the current folder.
            name: of the file in the project folder; default: the name that it was loaded by.
            separate_environment_yaml: write the environment to a file of its own beside it.

        The packages go to a conda file beside it. A file that is there and says something else is left to its
        owner; the new one gets the configuration's name in front.

        Raises:
            UserErrorException: a folder without a name, or a path that cannot be.
            RunConfigurationException: arguments that a file cannot hold, such as datasets.
            NotSupportedError: it holds credentials.
        """
        _runconfig_files.save(self, path, name, separate_environment=separate_environment_yaml)

    @staticmethod
    def load(path: str, name: str | None = None) -> RunConfiguration:
        """
        Return the configuration of a file that `save` or v1 wrote.

        Args:
            path: the file, or a project folder: then `.azureml/NAME`, `aml_config/NAME` or `NAME` in it, with or
                without `.runconfig` at its end.

        Raises:
            UserErrorException: there is no such file.
            RunConfigurationException: it is not such a file; names the key that is not known.
        """
        return _runconfig_files.load(path, name)

    @staticmethod
    def delete(path: str, name: str) -> None:
        """
        Remove the file of that name from a project folder; the conda file beside it stays, as in v1.

        Raises:
            UserErrorException: there is none.
        """
        _runconfig_files.delete(path, name)

    def _held(self, name: str) -> type[Any] | None:
        return {
            "data": _data_sections.Data,
            "output_data": _data_sections.OutputData,
            "data_references": _data_sections.DataReferenceConfiguration,
            "datacaches": _data_sections.DatacacheConfiguration,
            "services": ApplicationEndpointConfiguration,
        }.get(name)

    def __repr__(self) -> str:
        # v1 shows the file.
        return json.dumps(_file_form.file_form(self), indent=4, default=str)


def _plain(value: object) -> object:
    return value._values() if isinstance(value, ConfigElement) else value


def _one_of(what: str, given: str, known: Sequence[str]) -> str:
    for word in known:
        if isinstance(given, str) and word.lower() == given.lower():
            return word
    raise RunConfigurationException(f"run configuration: {what} {given!r} is not one of {', '.join(known)}")
