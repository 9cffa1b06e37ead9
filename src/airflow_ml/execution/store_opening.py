"""
From a datastore as it is registered to its store: kinds of plugins, sealed secrets, Airflow connections.

Secrets are unsealed when a store asks for them, and read from the registry anew each time: whoever registers the
datastore again with a new token lets a transfer that is under way go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from airflow_ml import hooks
from airflow_ml._late import late
from airflow_ml.storage.factory import BUILT_IN_KINDS, StoreContext, open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from airflow_ml.execution import connections
    from airflow_ml.graph import Json
    from airflow_ml.registry import DatastoreRecord, Registry, sealing
    from airflow_ml.storage.factory import StoreOpener
    from airflow_ml.storage.protocol import Store
else:
    # A plan of a workspace whose datastores are folders needs neither.
    connections = late("airflow_ml.execution.connections")
    sealing = late("airflow_ml.registry.sealing")

__all__ = ["open_described", "open_recorded"]


def open_recorded(registry: Registry, record: DatastoreRecord) -> Store:
    """
    Open the store of a registered datastore; touches no network, apart from Airflow for a connection.

    Raises:
        NotSupportedError: no driver for its kind is installed.
        UserErrorException: it names a connection that is not there, or its settings are incomplete.
    """
    name = record.name
    root = registry.home.store(name)
    if record.settings.get("kind") == "local":
        root.mkdir(parents=True, exist_ok=True)
        return open_store(record.settings, StoreContext(name, root))

    def secrets() -> Mapping[str, str]:
        now = registry.datastores.get(name)
        named = _connected(now.settings, name)[1]
        return named if named is not None else sealing.unseal_secrets(now.secret, where=f"datastore {name!r}")

    settings, _ = _connected(record.settings, name)
    return open_described(name, settings, secrets, root=root)


def open_described(
    name: str,
    settings: Mapping[str, Json],
    secrets: Callable[[], Mapping[str, str]],
    *,
    root: Path | None = None,
) -> Store:
    """Open a store that need not be registered."""
    return open_store(settings, StoreContext(name, root, secrets), kinds=_kinds(settings.get("kind")))


def _connected(settings: Mapping[str, Json], name: str) -> tuple[Mapping[str, Json], Mapping[str, str] | None]:
    connection = settings.get("connection")
    if not connection:
        return settings, None
    found = connections.connection_named(str(connection), where=f"datastore {name!r}")
    return connections.settings_with(settings, found)


def _kinds(kind: Json) -> Mapping[str, StoreOpener]:
    """Return the kinds there are; plugins are loaded for one that is not built in."""
    if kind in BUILT_IN_KINDS:
        return BUILT_IN_KINDS
    return {**cast("Mapping[str, StoreOpener]", hooks.datastore_kinds()), **BUILT_IN_KINDS}
