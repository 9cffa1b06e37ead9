"""
The low-level inputs and outputs of a run configuration (see `azureml.core.runconfig`).

They are what v1 writes into its files. A step takes its data as inputs and outputs of its own, so that a run
configuration in which they are filled is refused where a step gets it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.data._config_element import ConfigElement
from airflow_ml.data._reference_configuration import DataReferenceConfiguration
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import ClassVar

    from airflow_ml.data._config_element import Held

__all__ = [
    "Data",
    "DataLocation",
    "DataPath",
    "DataReferenceConfiguration",
    "DatacacheConfiguration",
    "Dataset",
    "DatasetRegistrationOptions",
    "GlobsOptions",
    "MountOptions",
    "OutputData",
    "OutputOptions",
    "RegistrationOptions",
    "UploadOptions",
    "Uri",
]


class DataPath(ConfigElement):
    """A path on a datastore."""

    def __init__(self, datastore_name: str | None = None, relative_path: str | None = None) -> None:
        self.datastore_name = datastore_name
        self.relative_path = relative_path
        super().__init__()


class Dataset(ConfigElement):
    """A dataset, by id or by name and version."""

    def __init__(
        self, dataset_id: str | None = None, dataset_name: str | None = None, dataset_version: str | None = None
    ) -> None:
        self.id = dataset_id
        self.name = dataset_name
        self.version = dataset_version
        super().__init__()


class Uri(ConfigElement):
    """An address of a file or folder."""

    def __init__(self, path: str | None = None, is_file: bool = False) -> None:
        self.path = path
        self.is_file = is_file
        super().__init__()


class DataLocation(ConfigElement):
    """Where data lies: a dataset, a path on a datastore, or an address."""

    _holds: ClassVar[Held] = {"dataset": Dataset, "data_path": DataPath, "uri": Uri}

    def __init__(
        self, dataset: Dataset | None = None, data_path: DataPath | None = None, uri: Uri | None = None
    ) -> None:
        self.dataset = dataset
        self.data_path = data_path
        self.uri = uri
        super().__init__()


class Data(ConfigElement):
    """An input; `as_named_input` in a step's arguments or inputs is what works here."""

    _holds: ClassVar[Held] = {"data_location": DataLocation}

    def __init__(
        self,
        data_location: DataLocation | None = None,
        create_output_directories: bool | None = None,
        mechanism: str = "direct",
        environment_variable_name: str | None = None,
        path_on_compute: str | None = None,
        overwrite: bool = False,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.data_location = data_location
        self.create_output_directories = create_output_directories
        self.mechanism = mechanism
        self.environment_variable_name = environment_variable_name
        self.path_on_compute = path_on_compute
        self.overwrite = overwrite
        self.options = options
        super().__init__()

    @staticmethod
    def create(data: DatasetConsumptionConfig) -> Data:
        """
        Return the entry of a named input.

        Raises:
            UserErrorException: something else was given.
        """
        if not isinstance(data, DatasetConsumptionConfig):
            raise UserErrorException(
                f"Data.create: {data!r} is not a DatasetConsumptionConfig; make one with dataset.as_named_input(name)"
            )
        found = data.dataset
        version = getattr(found, "version", None)
        dataset = Dataset(
            getattr(found, "id", None), getattr(found, "name", None), None if version is None else str(version)
        )
        return Data(DataLocation(dataset), False, data.mode, data.name, data.path_on_compute)


class DatacacheConfiguration(ConfigElement):
    """A cache of a dataset; files that are mounted here are kept on the worker without being asked."""

    def __init__(
        self,
        dataset_id: str | None = None,
        datacache_store: str | None = None,
        datacache_id: str | None = None,
        mode: str = "mount",
        path_on_compute: str | None = None,
        replica: int | None = None,
        failure_fallback: bool = False,
    ) -> None:
        self.datacache_id = datacache_id
        self.datacache_store = datacache_store
        self.dataset_id = dataset_id
        self.mode = mode
        self.replica = replica
        self.failure_fallback = failure_fallback
        self.path_on_compute = path_on_compute
        super().__init__()


class DatasetRegistrationOptions(ConfigElement):
    """How the dataset of an output is read."""

    def __init__(self, additional_transformations: str | None = None) -> None:
        self.additional_transformation = additional_transformations
        super().__init__()


class RegistrationOptions(ConfigElement):
    """Under which name an output becomes a dataset."""

    _holds: ClassVar[Held] = {"dataset_registration_options": DatasetRegistrationOptions}

    def __init__(
        self,
        name: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        dataset_registration_options: DatasetRegistrationOptions | None = None,
    ) -> None:
        self.name = name
        self.description = description
        self.tags = tags
        self.dataset_registration_options = dataset_registration_options
        super().__init__()


class GlobsOptions(ConfigElement):
    """Which files of an output are taken."""

    def __init__(self, patterns: Sequence[str] | None = None) -> None:
        self.patterns = patterns
        super().__init__()


class UploadOptions(ConfigElement):
    """How an output is written."""

    _holds: ClassVar[Held] = {"source_globs": GlobsOptions}

    def __init__(self, overwrite: bool = False, source_globs: GlobsOptions | None = None) -> None:
        self.overwrite = overwrite
        self.source_globs = source_globs
        super().__init__()


class MountOptions(ConfigElement):
    """How an output is mounted."""

    def __init__(self, disable_metadata_cache: bool = False) -> None:
        self.disable_metadata_cache = disable_metadata_cache
        super().__init__()


class OutputOptions(ConfigElement):
    """What else is said of an output."""

    _holds: ClassVar[Held] = {
        "registration_options": RegistrationOptions,
        "upload_options": UploadOptions,
        "mount_options": MountOptions,
    }

    def __init__(
        self,
        path_on_compute: str | None = None,
        registration_options: RegistrationOptions | None = None,
        upload_options: UploadOptions | None = None,
        mount_options: MountOptions | None = None,
    ) -> None:
        self.path_on_compute = path_on_compute
        self.registration_options = registration_options
        self.upload_options = upload_options
        self.mount_options = mount_options
        super().__init__()


class OutputData(ConfigElement):
    """An output; `OutputFileDatasetConfig` in a step's arguments or outputs is what works here."""

    _holds: ClassVar[Held] = {"output_location": DataLocation, "additional_options": OutputOptions}

    def __init__(
        self,
        output_location: DataLocation | None = None,
        mechanism: str = "mount",
        additional_options: OutputOptions | None = None,
    ) -> None:
        self.output_location = output_location
        self.mechanism = mechanism
        self.additional_options = additional_options
        super().__init__()
