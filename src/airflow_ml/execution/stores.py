"""The stores of a workspace's datastores, opened by name."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from airflow_ml.exceptions import UserErrorException
from airflow_ml.execution.store_opening import open_recorded
from airflow_ml.storage.databases import Database, DatabaseStore
from airflow_ml.storage.web import WebStore
from airflow_ml.storage.web_access import WEB_DETAIL, WebAccess

if TYPE_CHECKING:
    from airflow_ml.registry import Registry
    from airflow_ml.storage.protocol import ReadableStore, Store

__all__ = ["ARTIFACT_STORE", "Stores"]

#: Where snapshots, logs, models and the files of runs go (v1's own name for it).
ARTIFACT_STORE = "workspaceartifactstore"


class Stores:
    """
    Opens each datastore's store once; call it with a datastore's name. Safe for several threads.

    Attributes:
        registry: the workspace.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._opened: dict[str, Store] = {}

    def __call__(self, name: str) -> Store:
        """
        Return the store of a datastore.

        Raises:
            UserErrorException: the workspace has no datastore of that name.
        """
        if name not in self._opened:
            record = self.registry.datastores.find(name)
            if record is None:
                known = ", ".join(sorted(item.name for item in self.registry.datastores.list()))
                raise UserErrorException(
                    f"datastore {name!r} is not in workspace {self.registry.workspace.name!r}, which has: {known};"
                    " register it, or correct the name"
                )
            self._opened[name] = open_recorded(self.registry, record)
        return self._opened[name]

    def of_files(self, name: str) -> Store:
        """
        Return the store of a datastore that is no database.

        Raises:
            UserErrorException: the workspace has no datastore of that name, or it is a database.
        """
        store = self(name)
        if isinstance(store, DatabaseStore):
            raise store.refusal("paths and outputs are on datastores of files")
        return store

    def database(self, name: str) -> Database:
        """
        Return the database of a datastore.

        Raises:
            UserErrorException: the workspace has no datastore of that name, or it holds files.
        """
        store = self(name)
        if not isinstance(store, DatabaseStore):
            raise UserErrorException(f"datastore {name!r}: holds files and is no database; correct the name")
        return store.database

    def forget_queries(self) -> None:
        """
        Have databases asked anew.

        What a query gave is kept, so that a step's fingerprint and its script speak of the same rows; a new decision
        needs new ones.
        """
        for store in self._opened.values():
            if isinstance(store, DatabaseStore):
                store.forget()

    @cached_property
    def web(self) -> ReadableStore:
        """The web, as far as the workspace or this machine allows it to be read."""
        return WebStore(WebAccess.of(self.registry.details.get().get(WEB_DETAIL)))

    @property
    def artifacts(self) -> Store:
        """The store of snapshots, logs, models and files of runs."""
        return self(ARTIFACT_STORE)
