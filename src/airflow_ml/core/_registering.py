"""
Registering datastores: from what v1's calls take to settings, secrets and the object that comes back.

Settings hold no secret; secrets are encrypted before the registry sees them. Imported at its first use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.core import _datastore_objects
from airflow_ml.core._caller import is_parsing_dag
from airflow_ml.exceptions import NotSupportedError, UserErrorException

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.execution import store_opening
    from airflow_ml.graph.model import Json
    from airflow_ml.registry import sealing
    from airflow_ml.storage.protocol import Store
else:
    # A DAG file that registers a datastore makes its object, and needs neither.
    sealing = late("airflow_ml.registry.sealing")
    store_opening = late("airflow_ml.execution.store_opening")

__all__ = ["Registration", "database_sign_in", "lake_sign_in", "register", "register_database", "storage_sign_in"]

#: v1's rule for names of datastores.
_NAME = re.compile(r"[a-z0-9_]{1,255}\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Registration:
    """
    What a call asks for.

    Attributes:
        type: v1's word for the kind.
        settings: for the driver.
        secrets: by v1's names of the arguments; those without a value do not count.
    """

    name: str
    type: str
    settings: Mapping[str, Json]
    secrets: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    overwrite: bool = False
    create_if_not_exists: bool = False
    skip_validation: bool = False


def register(workspace: Workspace, wanted: Registration) -> AbstractDatastore:
    """
    Register a datastore and return its object.

    While Airflow parses a DAG file nothing is registered and no secret is kept: the object names the datastore.

    Raises:
        UserErrorException: the name is taken, or a first look at the store is refused.
    """
    _check_name(wanted.name)
    settings = {key: value for key, value in wanted.settings.items() if value not in (None, "")}
    if is_parsing_dag():
        return _datastore_objects.made(workspace, wanted.name, wanted.type, settings)
    stores = workspace.registry().datastores
    if not wanted.overwrite and stores.find(wanted.name) is not None:
        raise UserErrorException(
            f"workspace {workspace.name!r}: datastore {wanted.name!r} is registered; pass overwrite=True to replace "
            "it, or choose another name"
        )
    secrets = {name: value for name, value in wanted.secrets.items() if value}
    if settings.get("connection"):
        # Connections are looked up where tasks run, so there is nothing that could be tried here.
        if secrets:
            raise UserErrorException(
                f"datastore {wanted.name!r}: names an Airflow connection and has {sorted(secrets)[0]} too; give one"
            )
    else:
        _look(wanted, settings, secrets)
    record = stores.put(
        wanted.name,
        type=wanted.type,
        settings=settings,
        secret=sealing.seal_secrets(secrets),
        overwrite=wanted.overwrite,
    )
    return _datastore_objects.made(workspace, record.name, record.type, record.settings)


def register_database(
    workspace: Workspace,
    name: str,
    type_name: str,
    place: Mapping[str, Json],
    *,
    user: str,
    password: str,
    connection: str | None,
    overwrite: bool,
) -> AbstractDatastore:
    """Register a database that is signed in to by user and password alone, as `register` does."""
    sign_in = database_sign_in(name, connection, user=user, password=password, principal={})
    secrets = {"password": password}
    return register(workspace, Registration(name, type_name, {**place, **sign_in}, secrets, overwrite=overwrite))


def storage_sign_in(
    name: str, connection: str | None, *, account_key: str | None, sas_token: str | None, managed: bool, missing: str
) -> dict[str, Json]:
    """
    Return how a container or share is signed in to; with key and token the key counts, as in v1.

    Args:
        managed: whether the machine's own identity has access (v1's `grant_workspace_access`).
        missing: the way to sign in where nothing is given; "" where there is none.
    """
    if connection:
        return {"connection": connection}
    auth = "account_key" if account_key else "sas" if sas_token else "managed_identity" if managed else missing
    if not auth:
        raise UserErrorException(
            f"datastore {name!r}: has neither account_key nor sas_token; give one of them, or name an Airflow "
            "connection with connection="
        )
    return {"auth": auth}


def lake_sign_in(
    name: str, connection: str | None, *, tenant_id: str | None, client_id: str | None, client_secret: str | None
) -> dict[str, Json]:
    """Return how a file system is signed in to: by a service principal, or as the machine that runs tasks."""
    if connection:
        return {"connection": connection}
    if client_secret and not (tenant_id and client_id):
        raise UserErrorException(
            f"datastore {name!r}: has a client_secret without tenant_id and client_id; give all three"
        )
    return {"auth": "service_principal" if client_secret else "managed_identity", "client_id": client_id}


def database_sign_in(
    name: str, connection: str | None, *, user: str | None, password: str | None, principal: Mapping[str, str | None]
) -> dict[str, Json]:
    """
    Return how a database is signed in to: by user and password, or by a service principal.

    Args:
        principal: `tenant_id`, `client_id`, `client_secret`, `authority_url` and `resource_url`, as far as given.
    """
    if connection:
        return {"connection": connection, "user": user}
    if user and password:
        return {"auth": "password", "user": user}
    if all(principal.get(key) for key in ("tenant_id", "client_id", "client_secret")):
        more = {key: value for key, value in principal.items() if key != "client_secret"}
        return {"auth": "service_principal", **more}
    raise UserErrorException(
        f"datastore {name!r}: has neither user and password nor a whole service principal (tenant_id, client_id, "
        "client_secret); give one of them, or name an Airflow connection with connection="
    )


def _check_name(name: str) -> None:
    if not isinstance(name, str) or not _NAME.match(name):
        raise UserErrorException(
            f"datastore {name!r}: expected a name of letters, digits and underscores, at most 255; choose another"
        )


def _look(wanted: Registration, settings: Mapping[str, Json], secrets: Mapping[str, str]) -> None:
    """Open the store and look whether it is there, which tells wrong names and secrets at once."""
    store = store_opening.open_described(wanted.name, settings, lambda: secrets)
    if wanted.create_if_not_exists:
        _create(wanted, store)
    if not wanted.skip_validation and not _is_database(store):
        store.is_folder("")


def _is_database(store: Store) -> bool:
    # Their drivers are needed where tasks run, and need not be installed here.
    return hasattr(store, "database")


def _create(wanted: Registration, store: Store) -> None:
    make: Callable[[], bool] | None
    make = getattr(store, "create_container", None) or getattr(store, "create_share", None)
    if make is None:
        raise NotSupportedError(
            f"datastore {wanted.name!r}: create_if_not_exists is not supported for {wanted.type}; make the container "
            "first"
        )
    make()
