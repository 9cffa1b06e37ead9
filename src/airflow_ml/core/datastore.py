"""Finding and registering datastores (`azureml.core.datastore`)."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.core._caller import is_parsing_dag
from airflow_ml.data.abstract_datastore import AbstractDatastore
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore, AzureFileDatastore
from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from airflow_ml.core import _collections
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data.azure_storage_datastore import AbstractAzureStorageDatastore
else:
    _collections = late("airflow_ml.core._collections")

__all__ = ["Datastore"]


class Datastore:
    """
    Finds datastores: `Datastore(workspace, name)` returns the store's own class, never a Datastore.

    While Airflow parses a DAG file nothing is looked up: the store is known by its name, and a name that is not
    registered fails the run.

    Args:
        name: without one the workspace's default store.

    Raises:
        UserErrorException: there is no store of that name.
    """

    def __new__(cls, workspace: Workspace, name: str | None = None) -> AbstractDatastore:  # type: ignore[misc]  # v1's factory
        """Return the store of that name, or the default one."""
        return cls.get_default(workspace) if name is None else cls.get(workspace, name)

    @staticmethod
    def get(workspace: Workspace, datastore_name: str) -> AbstractDatastore:
        """Return the store of that name; raises UserErrorException if there is none."""
        if is_parsing_dag():
            return unlooked(workspace, datastore_name)
        return _collections.find_datastore(workspace, datastore_name)

    @staticmethod
    def get_default(workspace: Workspace) -> AbstractAzureStorageDatastore:
        """Return the workspace's default store."""
        return workspace.get_default_datastore()

    # Instances are of the store's own class, which has both; here they are for editors.
    set_as_default = AbstractDatastore.set_as_default
    unregister = AbstractDatastore.unregister

    @staticmethod
    def register_azure_blob_container(
        workspace: Workspace,
        datastore_name: str,
        container_name: str,
        account_name: str,
        sas_token: str | None = None,
        account_key: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        create_if_not_exists: bool = False,
        skip_validation: bool = False,
        blob_cache_timeout: int | None = None,
        grant_workspace_access: bool = False,
        subscription_id: str | None = None,
        resource_group: str | None = None,
    ) -> NoReturn:
        """Not supported yet: blob containers come with a later version."""
        del workspace, sas_token, account_key, protocol, endpoint, overwrite, create_if_not_exists, skip_validation
        del blob_cache_timeout, grant_workspace_access, subscription_id, resource_group
        raise _later(datastore_name, f"blob container {container_name!r} of {account_name!r}")

    @staticmethod
    def register_azure_file_share(
        workspace: Workspace,
        datastore_name: str,
        file_share_name: str,
        account_name: str,
        sas_token: str | None = None,
        account_key: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        create_if_not_exists: bool = False,
        skip_validation: bool = False,
    ) -> NoReturn:
        """Not supported yet: file shares come with a later version."""
        del workspace, sas_token, account_key, protocol, endpoint, overwrite, create_if_not_exists, skip_validation
        raise _later(datastore_name, f"file share {file_share_name!r} of {account_name!r}")

    @staticmethod
    def register_azure_data_lake(
        workspace: Workspace,
        datastore_name: str,
        store_name: str,
        tenant_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        resource_url: str | None = None,
        authority_url: str | None = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        overwrite: bool = False,
        grant_workspace_access: bool = False,
    ) -> NoReturn:
        """Not supported: Microsoft has ended Data Lake Storage Gen1; move the data to Gen2 or a blob container."""
        del workspace, tenant_id, client_id, client_secret, resource_url, authority_url, subscription_id
        del resource_group, overwrite, grant_workspace_access
        raise NotSupportedError(
            f"datastore {datastore_name!r}: Data Lake Storage Gen1 ({store_name!r}) no longer exists at Microsoft; "
            "register the Gen2 account or blob container that the data was moved to"
        )

    @staticmethod
    def register_azure_data_lake_gen2(
        workspace: Workspace,
        datastore_name: str,
        filesystem: str,
        account_name: str,
        tenant_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        resource_url: str | None = None,
        authority_url: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        grant_workspace_access: bool = False,
    ) -> NoReturn:
        """Not supported yet: Data Lake Storage Gen2 comes with a later version."""
        del workspace, tenant_id, client_id, client_secret, resource_url, authority_url, protocol, endpoint, overwrite
        del subscription_id, resource_group, grant_workspace_access
        raise _later(datastore_name, f"filesystem {filesystem!r} of {account_name!r}")

    @staticmethod
    def register_azure_sql_database(
        workspace: Workspace,
        datastore_name: str,
        server_name: str,
        database_name: str,
        tenant_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        resource_url: str | None = None,
        authority_url: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        username: str | None = None,
        password: str | None = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        grant_workspace_access: bool = False,
        **kwargs: object,
    ) -> NoReturn:
        """Not supported yet: SQL datastores come with a later version."""
        del workspace, tenant_id, client_id, client_secret, resource_url, authority_url, endpoint, overwrite
        del username, password, subscription_id, resource_group, grant_workspace_access, kwargs
        raise _later(datastore_name, f"SQL database {database_name!r} on {server_name!r}")

    @staticmethod
    def register_azure_postgre_sql(
        workspace: Workspace,
        datastore_name: str,
        server_name: str,
        database_name: str,
        user_id: str,
        user_password: str,
        port_number: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        enforce_ssl: bool = True,
        **kwargs: object,
    ) -> NoReturn:
        """Not supported yet: SQL datastores come with a later version."""
        del workspace, user_id, user_password, port_number, endpoint, overwrite, enforce_ssl, kwargs
        raise _later(datastore_name, f"PostgreSQL database {database_name!r} on {server_name!r}")

    @staticmethod
    def register_azure_my_sql(
        workspace: Workspace,
        datastore_name: str,
        server_name: str,
        database_name: str,
        user_id: str,
        user_password: str,
        port_number: str | None = None,
        endpoint: str | None = None,
        overwrite: bool = False,
        **kwargs: object,
    ) -> NoReturn:
        """Not supported yet: SQL datastores come with a later version."""
        del workspace, user_id, user_password, port_number, endpoint, overwrite, kwargs
        raise _later(datastore_name, f"MySQL database {database_name!r} on {server_name!r}")

    @staticmethod
    def register_dbfs(workspace: Workspace, datastore_name: str) -> NoReturn:
        """Not supported: there is no Databricks here; use a datastore of files."""
        del workspace
        raise NotSupportedError(
            f"datastore {datastore_name!r}: the Databricks file system is not supported; use a datastore of files"
        )

    @staticmethod
    def register_hdfs(
        workspace: Workspace,
        datastore_name: str,
        protocol: str,
        namenode_address: str,
        hdfs_server_certificate: str,
        kerberos_realm: str,
        kerberos_kdc_address: str,
        kerberos_principal: str,
        kerberos_keytab: str | None = None,
        kerberos_password: str | None = None,
        overwrite: bool = False,
    ) -> NoReturn:
        """Not supported: there is no Hadoop here; use a datastore of files."""
        del workspace, protocol, hdfs_server_certificate, kerberos_realm, kerberos_kdc_address
        del kerberos_principal, kerberos_keytab, kerberos_password, overwrite
        raise NotSupportedError(
            f"datastore {datastore_name!r}: HDFS ({namenode_address!r}) is not supported; use a datastore of files"
        )


def unlooked(workspace: Workspace, name: str) -> AbstractAzureStorageDatastore:
    """
    Return a datastore known by its name alone.

    It offers what every store of files does; only `workspacefilestore` is known to be a file share without asking.
    """
    kind = AzureFileDatastore if name == "workspacefilestore" else AzureBlobDatastore
    return kind(workspace, name, None, None)


def _later(name: str, what: str) -> NotSupportedError:
    return NotSupportedError(
        f"datastore {name!r}: {what} cannot be registered yet, a later version can; until then keep the data on a "
        "local datastore such as workspaceblobstore"
    )
