"""
From a datastore's stored settings to a `Store`.

`BUILT_IN_KINDS` is the table that drivers enter; whoever gathers more kinds (a hook) passes a larger one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, cast

from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.graph.model import Json
from airflow_ml.storage.local import LocalStore
from airflow_ml.storage.protocol import Store

__all__ = ["BUILT_IN_KINDS", "StoreContext", "StoreOpener", "open_store"]


def _no_credentials() -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class StoreContext:
    """
    What a store is opened with besides its settings.

    Attributes:
        name: of the datastore in its workspace, for errors.
        root: the workspace's own folder for this datastore, if it has one.
        credentials: returns the secrets as they are now, by v1's names (`account_key`, `sas_token`, `client_secret`,
            `password`, ...). A store asks when it needs them, and again when the other side calls them expired.
    """

    name: str
    root: Path | None = None
    credentials: Callable[[], Mapping[str, str]] = _no_credentials


#: Opens a store from its settings; touches neither disk nor network.
StoreOpener: TypeAlias = "Callable[[Mapping[str, Json], StoreContext], Store]"


def _open_local(settings: Mapping[str, Json], context: StoreContext) -> Store:
    root, given = context.root, settings.get("root")
    if given is not None and not isinstance(given, str):
        raise UserErrorException(f"datastore settings: root is {given!r}, expected the path of a folder or null")
    if given is None and root is None:
        raise UserErrorException(f"datastore settings {dict(settings)!r}: name no root, and the workspace gives none")
    if root is None:
        return LocalStore(Path(str(given)), durable=bool(settings.get("durable", False)))
    return LocalStore(root / (given or ""), durable=bool(settings.get("durable", False)))


def _open_azure_blob(settings: Mapping[str, Json], context: StoreContext) -> Store:
    from airflow_ml.storage.azure.opening import open_blob_store  # only who has such a datastore pays for the import

    return open_blob_store(settings, context)


def _open_azure_data_lake_gen2(settings: Mapping[str, Json], context: StoreContext) -> Store:
    from airflow_ml.storage.azure.opening import open_blob_store

    # The account's blob endpoint serves the same files ("multi-protocol access").
    return open_blob_store(settings, context, container="filesystem")


def _open_azure_file(settings: Mapping[str, Json], context: StoreContext) -> Store:
    from airflow_ml.storage.azure.opening import open_share_store

    return open_share_store(settings, context)


def _open_database(settings: Mapping[str, Json], context: StoreContext) -> Store:
    from airflow_ml.storage.databases import DatabaseStore, open_database

    # A store that refuses all that needs files; whoever reads datasets finds the rows of queries in it.
    return cast("Store", DatabaseStore(open_database(settings, context)))


BUILT_IN_KINDS: Mapping[str, StoreOpener] = {
    "azure_blob": _open_azure_blob,
    "azure_data_lake_gen2": _open_azure_data_lake_gen2,
    "azure_file": _open_azure_file,
    "azure_sql": _open_database,
    "local": _open_local,
    "mysql": _open_database,
    "postgres": _open_database,
}


def open_store(
    settings: Mapping[str, Json], context: StoreContext, *, kinds: Mapping[str, StoreOpener] = BUILT_IN_KINDS
) -> Store:
    """
    Open the datastore that the settings describe; touches neither disk nor network.

    Args:
        settings: `kind` and what that kind needs. For `local`: `root` (null means the workspace's folder, a
            relative path is one below it) and `durable` (fsync every write).
        context: the datastore's name, folder and secrets.
        kinds: the kinds there are, by name.

    Raises:
        NotSupportedError: a kind that is not among them.
    """
    kind = settings.get("kind")
    opener = kinds.get(kind) if isinstance(kind, str) else None
    if opener is None:
        raise NotSupportedError(
            f"datastore {context.name!r}: kind {kind!r} is not one of {sorted(kinds)}; register the data under one of "
            "these, or install the plugin that brings this kind"
        )
    return opener(settings, context)
