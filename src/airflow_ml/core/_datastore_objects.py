"""The face's object of a datastore, by what is registered of it; it holds no secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from airflow_ml.core.datastore import unlooked
from airflow_ml.data.azure_data_lake_datastore import AzureDataLakeGen2Datastore
from airflow_ml.data.azure_my_sql_datastore import AzureMySqlDatastore
from airflow_ml.data.azure_postgre_sql_datastore import AzurePostgreSqlDatastore
from airflow_ml.data.azure_sql_database_datastore import AzureSqlDatabaseDatastore
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore, AzureFileDatastore
from airflow_ml.exceptions import NotSupportedError

if TYPE_CHECKING:
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.graph.model import Json

__all__ = ["made"]


class _Settings:
    """A datastore's settings, as text."""

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._settings = settings

    def __getitem__(self, key: str) -> str:
        return str(self._settings.get(key) or "")

    def get(self, key: str) -> str | None:
        """Return a setting, or None where there is none."""
        value = self._settings.get(key)
        return None if value is None else str(value)

    @property
    def is_sas(self) -> str | None:
        """What tells the constructor that a token is used; the token itself is not for objects."""
        return "" if self._settings.get("auth") == "sas" else None


def made(workspace: Workspace, name: str, type_name: str, settings: Mapping[str, Json]) -> AbstractDatastore:
    """
    Return the object of a datastore.

    Raises:
        NotSupportedError: a type that this version does not know.
    """
    if type_name == "Local":
        return unlooked(workspace, name)
    make = _MAKERS.get(type_name)
    if make is None:
        raise NotSupportedError(
            f"datastore {name!r}: its type {type_name!r} needs a newer version of airflow-ml; update it"
        )
    return make(workspace, name, _Settings(settings))


def _blob(workspace: Workspace, name: str, given: _Settings) -> AbstractDatastore:
    return AzureBlobDatastore(
        workspace,
        name,
        given.get("container"),
        given.get("account"),
        sas_token=given.is_sas,
        protocol=given["protocol"] or "https",
        endpoint=given["endpoint"] or "core.windows.net",
        workspace_msi_has_access=given["auth"] == "managed_identity",
        subscription_id=given.get("subscription_id"),
        resource_group=given.get("resource_group"),
    )


def _share(workspace: Workspace, name: str, given: _Settings) -> AbstractDatastore:
    return AzureFileDatastore(
        workspace,
        name,
        given.get("share"),
        given.get("account"),
        sas_token=given.is_sas,
        protocol=given["protocol"] or "https",
        endpoint=given["endpoint"] or "core.windows.net",
    )


def _lake(workspace: Workspace, name: str, given: _Settings) -> AbstractDatastore:
    return AzureDataLakeGen2Datastore(
        workspace,
        name,
        given["filesystem"],
        given["account"],
        tenant_id=given.get("tenant_id"),
        client_id=given.get("client_id"),
        resource_url=given.get("resource_url"),
        authority_url=given.get("authority_url"),
        protocol=given["protocol"] or "https",
        endpoint=given["endpoint"] or "core.windows.net",
    )


def _azure_sql(workspace: Workspace, name: str, given: _Settings) -> AbstractDatastore:
    return AzureSqlDatabaseDatastore(
        workspace,
        name,
        given["server"],
        given["database"],
        tenant_id=given.get("tenant_id"),
        client_id=given.get("client_id"),
        resource_url=given.get("resource_url"),
        authority_url=given.get("authority_url"),
        username=given.get("user"),
        auth_type={"password": "SqlAuthentication", "service_principal": "ServicePrincipal"}.get(given["auth"]),
    )


def _postgres(workspace: Workspace, name: str, given: _Settings) -> AbstractDatastore:
    return AzurePostgreSqlDatastore(
        workspace,
        name,
        given["server"],
        given["database"],
        given["user"],
        "",
        port_number=given.get("port"),
        enforce_ssl=given["enforce_ssl"] == "True",
    )


def _mysql(workspace: Workspace, name: str, given: _Settings) -> AbstractDatastore:
    return AzureMySqlDatastore(
        workspace, name, given["server"], given["database"], given["user"], "", port_number=given.get("port")
    )


_MAKERS: Mapping[str, Callable[[Workspace, str, _Settings], AbstractDatastore]] = {
    "AzureBlob": _blob,
    "AzureDataLakeGen2": _lake,
    "AzureFile": _share,
    "AzureMySql": _mysql,
    "AzurePostgreSql": _postgres,
    "AzureSqlDatabase": _azure_sql,
}
