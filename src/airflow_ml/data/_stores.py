"""From the face's datastores to the stores that hold the bytes. Imported at its first use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.data._workspace import require_workspace
from airflow_ml.execution.stores import Stores

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_ml.data._workspace import WorkspaceLike
    from airflow_ml.data.abstract_dataset import AbstractDataset
    from airflow_ml.storage.protocol import Store

__all__ = ["store_named", "stores_of"]


def store_named(workspace: WorkspaceLike, name: str) -> Store:
    """Return the store of that name; raises UserErrorException if the workspace has none."""
    return Stores(workspace.registry())(name)


def stores_of(dataset: AbstractDataset) -> Callable[[str], Store]:
    """Return what gives the stores of a dataset's datastores; a dataset of web addresses needs no workspace."""
    opened: list[Stores] = []

    def find(name: str) -> Store:
        if not opened:
            opened.append(Stores(require_workspace(dataset.workspace, where="dataset").registry()))
        return opened[0](name)

    return find
