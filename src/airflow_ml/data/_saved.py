"""Datasets in the registry: saved, registered, found. Imported at its first use, never while a DAG file is parsed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeVar

from airflow_ml.data._workspace import require_workspace
from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.file_dataset import FileDataset
from airflow_ml.data.tabular_dataset import TabularDataset
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.data._definition import Definition
    from airflow_ml.data._workspace import WorkspaceLike
    from airflow_ml.registry import DatasetRecord

__all__ = [
    "add_tags",
    "from_record",
    "get_all",
    "get_by_id",
    "get_by_name",
    "register",
    "save",
    "unregister",
    "update",
]

Dataset = TypeVar("Dataset", bound=AbstractDataset)

_CLASSES: Mapping[object, type[AbstractDataset]] = {"file": FileDataset, "tabular": TabularDataset}


def from_record(workspace: WorkspaceLike, record: DatasetRecord) -> AbstractDataset:
    """Return a registry's record as a dataset."""
    dataset = _CLASSES[record.definition["kind"]]._create(record.definition, workspace)
    return _registered(dataset, record)


def _registered(dataset: Dataset, record: DatasetRecord) -> Dataset:
    return dataset._with_registration(
        id=record.id,
        name=record.name,
        version=record.version,
        description=record.description,
        tags=dict(record.tags),
        producing_run_id=record.run_id,
    )


def save(definition: Definition, workspace: WorkspaceLike) -> str:
    """Return the definition's id in the workspace."""
    return workspace.registry().datasets.save(definition)


def register(
    dataset: Dataset,
    workspace: WorkspaceLike,
    name: str,
    *,
    description: str | None,
    tags: Mapping[str, str] | None,
    create_new_version: bool,
) -> Dataset:
    """Register the dataset and return it as registered; see `AbstractDataset.register`."""
    own = dataset.workspace
    if own is not None and own.ref != workspace.ref:
        raise UserErrorException(
            f"dataset {name!r}: its data is in workspace {own.name!r} and cannot be registered in {workspace.name!r}; "
            "register it in its own workspace"
        )
    record = workspace.registry().datasets.register(
        name, dataset.definition, description=description, tags=tags, create_new_version=create_new_version
    )
    return _registered(dataset, record)._with_registration(workspace=workspace)


def update(dataset: Dataset, *, description: str | None = None, tags: Mapping[str, str] | None = None) -> Dataset:
    """Change a registered version and return it as it is now."""
    name, workspace = _name_of(dataset)
    registry = workspace.registry()
    record = registry.datasets.update(name, dataset.version or "latest", description=description, tags=tags)
    return _registered(dataset, record)


def add_tags(dataset: Dataset, tags: Mapping[str, str]) -> Dataset:
    """Add tags to a registered version; v1's rule: a tag keeps its value until it is removed."""
    name, workspace = _name_of(dataset)
    known = workspace.registry().datasets.by_name(name, dataset.version or "latest").tags
    taken = sorted(key for key, value in tags.items() if known.get(key, value) != value)
    if taken:
        raise UserErrorException(
            f"dataset {name!r}: tags {taken!r} have other values already; remove them by remove_tags first, or set all "
            "tags by update(tags=...)"
        )
    return update(dataset, tags={**known, **tags})


def unregister(dataset: AbstractDataset) -> None:
    """Forget the dataset's name with all versions; v1's rule: nothing to do for one that is not registered."""
    if dataset.name is None:
        return
    name, workspace = _name_of(dataset)
    workspace.registry().datasets.unregister(name)


def _name_of(dataset: AbstractDataset) -> tuple[str, WorkspaceLike]:
    if dataset.name is None:
        raise UserErrorException("dataset: is not registered; call register(workspace, name) first")
    return dataset.name, require_workspace(dataset.workspace, where=f"dataset {dataset.name!r}")


def get_by_name(workspace: WorkspaceLike, name: str, version: int | str) -> AbstractDataset:
    """Return a registered dataset; raises DatasetNotFoundError."""
    return from_record(workspace, workspace.registry().datasets.by_name(name, version))


def get_by_id(workspace: WorkspaceLike, dataset_id: str) -> AbstractDataset:
    """Return a saved dataset; raises DatasetNotFoundError."""
    return from_record(workspace, workspace.registry().datasets.get(dataset_id))


def get_all(workspace: WorkspaceLike) -> dict[str, AbstractDataset]:
    """Return the newest version of every registered dataset, by name."""
    return {str(record.name): from_record(workspace, record) for record in workspace.registry().datasets.list()}
