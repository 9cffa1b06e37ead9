"""From the face's datastores to the stores that hold the bytes. Imported at its first use."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from airflow_ml.data._workspace import require_workspace
from airflow_ml.execution.stores import Stores
from airflow_ml.storage.web import WebStore
from airflow_ml.storage.web_access import WebAccess

if TYPE_CHECKING:
    from airflow_ml.data._workspace import WorkspaceLike
    from airflow_ml.data.abstract_dataset import AbstractDataset
    from airflow_ml.storage.datasets import Stores as DatasetStores
    from airflow_ml.storage.protocol import ReadableStore, Store

__all__ = ["store_named", "stores_of"]


def store_named(workspace: WorkspaceLike, name: str) -> Store:
    """Return the store of that name; raises UserErrorException if the workspace has none."""
    return Stores(workspace.registry())(name)


class _StoresOf:
    def __init__(self, dataset: AbstractDataset) -> None:
        self._dataset = dataset

    @cached_property
    def _stores(self) -> Stores:
        return Stores(require_workspace(self._dataset.workspace, where="dataset").registry())

    def __call__(self, name: str, /) -> Store:
        return self._stores(name)

    @cached_property
    def web(self) -> ReadableStore:
        return self._stores.web if self._dataset.workspace is not None else WebStore(WebAccess.of(None))


def stores_of(dataset: AbstractDataset) -> DatasetStores:
    """Return what gives the stores of a dataset's datastores; a dataset of web addresses needs no workspace."""
    return _StoresOf(dataset)
