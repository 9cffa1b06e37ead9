"""What files and tables have in common: names, versions, tags (`azureml.data.abstract_dataset`)."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml._records import copied
from airflow_ml._refusals import refuse_unknown
from airflow_ml.data._caller import is_parsing_dag
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.model import DatasetSource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Protocol, TypeVar

    from airflow.sdk import Asset

    from airflow_ml.data import _dataset_by_name, _definition, _reading, _saved, _shown, dataset_factory
    from airflow_ml.data._definition import Definition
    from airflow_ml.data._workspace import WorkspaceLike
    from airflow_ml.graph.model import Json
    from airflow_ml.runtime import expressions
    from airflow_ml.runtime.expressions import Expression

    class _Assets(Protocol):
        """The part of the translation room, which stands above, that a dataset asks for its asset."""

        def dataset_asset(self, workspace: str, name: str) -> Asset: ...

    assets: _Assets
    Dataset = TypeVar("Dataset", bound="AbstractDataset")
else:
    _dataset_by_name = late("airflow_ml.data._dataset_by_name")
    _definition = late("airflow_ml.data._definition")
    _reading = late("airflow_ml.data._reading")
    _saved = late("airflow_ml.data._saved")
    _shown = late("airflow_ml.data._shown")
    dataset_factory = late("airflow_ml.data.dataset_factory")
    expressions = late("airflow_ml.runtime.expressions")
    assets = late("airflow_ml.translation.assets")

__all__ = ["AbstractDataset"]


class _Factory:
    """Gives `Dataset.File` and `Dataset.Tabular` where v1 has them too, on every dataset class."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> object:
        return getattr(dataset_factory, self._name)


class AbstractDataset:
    """
    A definition of data: where files lie and how they are read. It holds no data.

    Immutable: every method returns a new object. Made by `Dataset.File` and `Dataset.Tabular`, or fetched by name or
    id. A dataset gets its id when it is registered or when a pipeline that uses it is submitted.

    Attributes:
        kind: `file` or `tabular`; None for a dataset that is known by name only (see `get_by_name`).
    """

    kind: str | None = None
    File = _Factory("FileDatasetFactory")
    Tabular = _Factory("TabularDatasetFactory")

    def __init__(self) -> None:
        self._definition: Definition | None = None
        self._workspace: WorkspaceLike | None = None
        self._id: str | None = None
        self._name: str | None = None
        self._version: int | None = None
        self._description: str | None = None
        self._tags: Mapping[str, str] = {}
        self._producing_run_id: str | None = None

    @property
    def id(self) -> str | None:
        """The id that `get_by_id` takes; None until the dataset is saved."""
        return self._id

    @property
    def name(self) -> str | None:
        """The name it is registered under, or None."""
        return self._name

    @property
    def version(self) -> int | None:
        """The version it is registered as, counted from 1, or None."""
        return self._version

    @property
    def description(self) -> str | None:
        """The registration's description."""
        return self._description

    @property
    def tags(self) -> dict[str, str]:
        """The registration's tags; a copy."""
        return dict(self._tags)

    @property
    def partition_keys(self) -> list[str]:
        """Names of the columns that come from the paths of the files, in order."""
        return _definition.partition_keys(self.definition)

    @property
    def data_changed_time(self) -> datetime | None:
        """The newest modification among the dataset's files; reads the datastore."""
        return _reading.changed_time(self)

    @property
    def definition(self) -> Definition:
        """
        The definition as data.

        Raises:
            UserErrorException: the dataset is known by name only, because a DAG file is being parsed.
        """
        if self._definition is None:
            raise UserErrorException(
                f"dataset {self._name!r}: while Airflow parses the DAG file only its name is known; transform it in "
                "a step, or define it here with Dataset.File or Dataset.Tabular"
            )
        return self._definition

    @property
    def workspace(self) -> WorkspaceLike | None:
        """The workspace of its datastores; None for a dataset of web addresses that was never saved."""
        return self._workspace

    @property
    def source(self) -> DatasetSource:
        """The dataset as the graph holds it."""
        return DatasetSource(definition=self.definition, saved_id=self._id)

    def ensure_saved(self, workspace: WorkspaceLike) -> str:
        """
        Give the dataset an id in the workspace, and return it.

        Equal definitions have one id, so it does not matter how often this is done.
        """
        if self._id is None:
            self._id = _saved.save(self.definition, workspace)
            self._workspace = self._workspace or workspace
        return self._id

    def as_named_input(self, name: str) -> DatasetConsumptionConfig:
        """
        Return the dataset as a step's input in mode `direct`: the script gets the dataset itself.

        Raises:
            UserErrorException: a name with other characters than letters, digits and underscores.
        """
        return DatasetConsumptionConfig(name, self)

    def register(
        self: Dataset,
        workspace: WorkspaceLike,
        name: str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        create_new_version: bool = False,
    ) -> Dataset:
        """
        Register the dataset under a name and return it with name and version.

        Args:
            create_new_version: the name may exist; the dataset becomes its next version.

        Raises:
            UserErrorException: the name exists and `create_new_version` is False, or its latest version has this very
                definition.
        """
        return _saved.register(
            self, workspace, name, description=description, tags=tags, create_new_version=create_new_version
        )

    def add_tags(self: Dataset, tags: Mapping[str, str] | None = None) -> Dataset:
        """
        Add tags to the registered version.

        Raises:
            UserErrorException: the dataset is not registered, or a tag of that key has another value already.
        """
        return _saved.add_tags(self, tags or {})

    def remove_tags(self: Dataset, tags: list[str] | None = None) -> Dataset:
        """Remove the tags of these keys from the registered version."""
        return _saved.update(self, tags={key: value for key, value in self._tags.items() if key not in (tags or [])})

    def update(self: Dataset, description: str | None = None, tags: Mapping[str, str] | None = None) -> Dataset:
        """Change description and tags of the registered version; what is None stays."""
        return _saved.update(self, description=description, tags=tags)

    def unregister_all_versions(self) -> None:
        """Forget the name with all its versions; data and ids stay. Nothing happens if it is not registered."""
        _saved.unregister(self)

    @property
    def producing_run_id(self) -> str | None:
        """Id of the run that has registered this version, for `Run.get`; None where a person has, or it has no name."""
        return self._producing_run_id

    def as_asset(self) -> Asset:
        """
        Return the registered dataset as an Airflow asset, for `schedule=` of a DAG: `datastore://WORKSPACE/datasets/NAME`.

        Each new version that a step registers when it completes (`register_on_complete`) is an event of it, with
        `dataset`, `version`, `run_id` and `pipeline_run_id` as its extra. Nothing is looked up.

        Raises:
            UserErrorException: the dataset has no name.
        """
        if self._name is None or self._workspace is None:
            raise UserErrorException(
                "dataset: as_asset needs a registered dataset, because registering it is what the asset's events tell"
                " of; call register(workspace, name), or Dataset.get_by_name(workspace, name)"
            )
        return assets.dataset_asset(self._workspace.ref.name, self._name)

    def get_partition_key_values(self, partition_keys: list[str] | None = None) -> list[dict[str, object]]:
        """
        Return the distinct combinations of values that the files' paths hold; lists the datastore.

        Args:
            partition_keys: some of the dataset's `partition_keys`; without it all of them.

        Raises:
            UserErrorException: the dataset has no partition keys, or not these.
        """
        return _reading.key_values(self, partition_keys)

    def __getitem__(self, key: str) -> Expression:
        """Return the value of a column, to make a condition for `filter`."""
        return expressions.column(key, where=type(self).__name__)

    @staticmethod
    def get_by_name(
        workspace: WorkspaceLike, name: str, version: int | str = "latest", **kwargs: object
    ) -> AbstractDataset:
        """
        Return a registered dataset.

        While Airflow parses a DAG file nothing is looked up: the object then stands for whatever has that name and
        version when the pipeline runs, and can be an input, but cannot be read or transformed.

        Args:
            version: a number, or `latest`.

        Raises:
            DatasetNotFoundError: there is no such name or version.
        """
        refuse_unknown(kwargs, where=f"dataset {name!r}")
        if is_parsing_dag():
            return _dataset_by_name.by_name(workspace, name, version)
        return _saved.get_by_name(workspace, name, version)

    @staticmethod
    def get_by_id(workspace: WorkspaceLike, id: str, **kwargs: object) -> AbstractDataset:
        """
        Return a saved dataset.

        Raises:
            DatasetNotFoundError: there is no such id.
        """
        refuse_unknown(kwargs, where=f"dataset {id!r}")
        return _saved.get_by_id(workspace, id)

    @staticmethod
    def get_all(workspace: WorkspaceLike) -> Mapping[str, AbstractDataset]:
        """Return the newest version of every registered dataset, by name; read when it is looked into."""
        return _saved.get_all(workspace)

    def _with_step(self: Dataset, step: dict[str, Json]) -> Dataset:
        return self._derived(_definition.with_step(self.definition, step))

    def _with_random_step(self: Dataset, step: dict[str, Json], seed: int | None) -> Dataset:
        # v1 draws a new seed each time; then a DAG file would define other data on every parse.
        return self._with_step({**step, "seed": _definition.checksum(self.definition) if seed is None else seed})

    def _derived(self: Dataset, definition: Definition) -> Dataset:
        """Return a dataset of another definition: neither registered nor saved."""
        return type(self)._create(definition, self._workspace)

    def _with_registration(self: Dataset, **values: object) -> Dataset:
        return copied(self, **{f"_{key}": value for key, value in values.items()})

    @classmethod
    def _create(cls: type[Dataset], definition: Definition, workspace: WorkspaceLike | None) -> Dataset:
        created = cls()
        created._definition = definition
        created._workspace = workspace
        return created

    def __repr__(self) -> str:
        known = {"name": self._name, "version": self._version, "id": self._id}
        text = ", ".join(f"{key}={value!r}" for key, value in known.items() if value is not None)
        return f"{type(self).__name__}({text})"

    def __str__(self) -> str:
        return f"{type(self).__name__}\n{_shown.as_json(self, self._definition, self._workspace)}"
