"""From a datastore's settings to its store on Azure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_ml.storage.azure.addresses import StorageAddress, settings_in
from airflow_ml.storage.azure.blob_store import BlobStore
from airflow_ml.storage.azure.client import AzureClient
from airflow_ml.storage.azure.credentials import Credentials, Identity

if TYPE_CHECKING:
    from airflow_ml.graph.model import Json
    from airflow_ml.storage.azure.share_store import FileShareStore
    from airflow_ml.storage.factory import StoreContext

__all__ = ["open_blob_store", "open_share_store"]


def open_blob_store(settings: Mapping[str, Json], context: StoreContext, *, container: str = "container") -> BlobStore:
    """
    Return the store of a container; secrets are asked for at the first request, a connection string at once.

    Args:
        container: the setting that names it.
    """
    if settings.get("auth") == "connection_string" and not settings.get("endpoint"):
        # Nothing else says where an account of another cloud, or an emulator, lies.
        told = context.credentials().get("connection_string")
        settings = {**(settings_in(told) if told else {}), **settings}
    address = StorageAddress.of(settings, container=container)
    credentials = Credentials(Identity.of(settings, context.name), context.credentials)
    return BlobStore(AzureClient(address, credentials, name=context.name), has_folders=container == "filesystem")


def open_share_store(settings: Mapping[str, Json], context: StoreContext) -> FileShareStore:
    """Return the store of a file share; secrets are asked for at the first request."""
    from airflow_ml.storage.azure.share_client import FileShare  # 0.3 s for the SDK: for shares alone
    from airflow_ml.storage.azure.share_store import FileShareStore

    address = StorageAddress.of(settings, container="share", service="file")
    credentials = Credentials(Identity.of(settings, context.name), context.credentials)
    return FileShareStore(FileShare(address, credentials, context.name))
