"""From the face's datastores to the stores that hold the bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.data._workspace import require_workspace
from airflow_ml.storage.factory import open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_ml.data._workspace import WorkspaceLike
    from airflow_ml.data.abstract_dataset import AbstractDataset
    from airflow_ml.storage.protocol import Store

__all__ = ["store_named", "stores_of"]


def store_named(workspace: WorkspaceLike, name: str) -> Store:
    """Return the store of that name; raises UserErrorException if the workspace has none."""
    registry = workspace.registry()
    return open_store(registry.datastores.get(name).settings, root=registry.home.store(name))


def stores_of(dataset: AbstractDataset) -> Callable[[str], Store]:
    """Return what gives the stores of a dataset's datastores by name."""

    def find(name: str) -> Store:
        return store_named(require_workspace(dataset.workspace, where="dataset"), name)

    return find
