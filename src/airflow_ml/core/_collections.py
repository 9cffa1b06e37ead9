"""What a workspace holds, as collections. Imported at its first use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from airflow_ml._late import late
from airflow_ml.core import _datastore_objects
from airflow_ml.core._caller import is_parsing_dag
from airflow_ml.core._lazy_mapping import LazyMapping, NamesOnly
from airflow_ml.core.datastore import unlooked
from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.exceptions import DatasetNotFoundError

if TYPE_CHECKING:
    from airflow_ml import registry
    from airflow_ml.core import environment, experiment, model
    from airflow_ml.core.compute import _known, amlcompute
    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.environment import Environment
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.core.model import Model
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.data.azure_storage_datastore import AbstractAzureStorageDatastore
    from airflow_ml.registry import DatastoreRecord
else:
    _known = late("airflow_ml.core.compute._known")
    amlcompute = late("airflow_ml.core.compute.amlcompute")
    environment = late("airflow_ml.core.environment")
    experiment = late("airflow_ml.core.experiment")
    model = late("airflow_ml.core.model")
    registry = late("airflow_ml.registry")

__all__ = [
    "compute_targets",
    "datasets",
    "datastores",
    "default_datastore",
    "environments",
    "experiments",
    "find_datastore",
    "models",
    "workspace_names",
]

#: The default datastore of a fresh workspace.
_DEFAULT_DATASTORE = "workspaceblobstore"


class _DeclaredComputes(NamesOnly["ComputeTarget"]):
    """
    Compute targets while a DAG file is parsed.

    `name in ...` is True for those that the file has created, so that v1's "use it or else create it" goes into
    "create"; `...[name]` gives any other name as a target that is looked up in the run.
    """

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(f"compute targets of workspace {workspace.name!r}", self._target)
        self._workspace = workspace

    def _target(self, name: str) -> ComputeTarget:
        declared = _known.load(self._workspace).get(name)
        return declared or amlcompute.AmlCompute._filled(self._workspace, name, {})

    def __contains__(self, name: object) -> bool:
        return name in _known.load(self._workspace)

    def __iter__(self) -> Iterator[str]:
        return iter(_known.load(self._workspace))

    def __len__(self) -> int:
        return len(_known.load(self._workspace))


def compute_targets(workspace: Workspace) -> Mapping[str, ComputeTarget]:
    """Return the workspace's compute targets; see `Workspace.compute_targets`."""
    if is_parsing_dag():
        return _DeclaredComputes(workspace)
    return LazyMapping(lambda: _known.load(workspace), lambda name: _known.find(workspace, name))


def datastores(workspace: Workspace) -> Mapping[str, AbstractDatastore]:
    """Return the workspace's datastores."""
    if is_parsing_dag():
        return NamesOnly(f"datastores of workspace {workspace.name!r}", lambda name: unlooked(workspace, name))
    return LazyMapping(lambda: _load_datastores(workspace), lambda name: _maybe_datastore(workspace, name))


def _load_datastores(workspace: Workspace) -> dict[str, AbstractDatastore]:
    return {record.name: _datastore(workspace, record) for record in workspace.registry().datastores.list()}


def _maybe_datastore(workspace: Workspace, name: str) -> AbstractDatastore | None:
    record = workspace.registry().datastores.find(name)
    return None if record is None else _datastore(workspace, record)


def find_datastore(workspace: Workspace, name: str) -> AbstractDatastore:
    """Return a datastore; raises UserErrorException if there is none of that name."""
    return _datastore(workspace, workspace.registry().datastores.get(name))


def default_datastore(workspace: Workspace) -> AbstractAzureStorageDatastore:
    """Return the default datastore; while parsing, that of a fresh workspace."""
    if is_parsing_dag():
        return unlooked(workspace, _DEFAULT_DATASTORE)
    default = _datastore(workspace, workspace.registry().datastores.default())
    return cast("AbstractAzureStorageDatastore", default)


def _datastore(workspace: Workspace, record: DatastoreRecord) -> AbstractDatastore:
    return _datastore_objects.made(workspace, record.name, record.type, record.settings)


def datasets(workspace: Workspace) -> Mapping[str, AbstractDataset]:
    """Return the workspace's registered datasets."""

    def find(name: str) -> AbstractDataset | None:
        try:
            return AbstractDataset.get_by_name(workspace, name)
        except DatasetNotFoundError:
            return None

    if is_parsing_dag():
        return NamesOnly(
            f"datasets of workspace {workspace.name!r}", lambda name: AbstractDataset.get_by_name(workspace, name)
        )
    return LazyMapping(lambda: AbstractDataset.get_all(workspace), find)


def environments(workspace: Workspace) -> Mapping[str, Environment]:
    """Return the workspace's registered environments."""
    if is_parsing_dag():
        return NamesOnly(
            f"environments of workspace {workspace.name!r}", lambda name: environment.Environment.get(workspace, name)
        )
    return LazyMapping(lambda: environment.load_registered(workspace))


def experiments(workspace: Workspace) -> Mapping[str, Experiment]:
    """Return the workspace's experiments."""
    if is_parsing_dag():
        return NamesOnly(
            f"experiments of workspace {workspace.name!r}", lambda name: experiment.Experiment(workspace, name)
        )

    def load() -> dict[str, Experiment]:
        names = [record.name for record in workspace.registry().experiments.list()]
        return {name: experiment.Experiment(workspace, name) for name in names}

    def find(name: str) -> Experiment | None:
        known = workspace.registry().experiments.find(name)
        return None if known is None else experiment.Experiment(workspace, name)

    return LazyMapping(load, find)


def models(workspace: Workspace) -> Mapping[str, Model]:
    """Return the newest version of each of the workspace's models."""
    return LazyMapping(lambda: {item.name: item for item in model.Model.list(workspace, latest=True)})


def workspace_names() -> list[str]:
    """Return the names of the workspaces under this machine's home folder."""
    home = registry.Home.default()
    if not home.root.is_dir():
        return []
    return sorted(folder.name for folder in home.root.iterdir() if (folder / "registry.db").is_file())
