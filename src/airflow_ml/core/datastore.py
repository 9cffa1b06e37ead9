"""
Finding and registering datastores (`azureml.core.datastore`).

A file past the house's 400 lines, because v1's one class has ten `register_...` of up to fifteen arguments each; what
they do is in `airflow_ml.core._registering`.
"""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.core._caller import is_parsing_dag
from airflow_ml.data.abstract_datastore import AbstractDatastore
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore, AzureFileDatastore
from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn, cast

    from airflow_ml.core import _collections, _registering
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data.azure_data_lake_datastore import AzureDataLakeGen2Datastore
    from airflow_ml.data.azure_my_sql_datastore import AzureMySqlDatastore
    from airflow_ml.data.azure_postgre_sql_datastore import AzurePostgreSqlDatastore
    from airflow_ml.data.azure_sql_database_datastore import AzureSqlDatabaseDatastore
    from airflow_ml.data.azure_storage_datastore import AbstractAzureStorageDatastore
else:
    from airflow_ml._typing import cast

    _collections = late("airflow_ml.core._collections")
    _registering = late("airflow_ml.core._registering")

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
        *,
        connection: str | None = None,
    ) -> AzureBlobDatastore:
        """
        Register a blob container and return its datastore; without any credentials it is read as a public one.

        Secrets are encrypted with Airflow's Fernet key. While Airflow parses a DAG file nothing is registered.

        Args:
            endpoint: `core.windows.net` unless given; a host with a port, or a whole address, is a server of its own.
            skip_validation: do not look whether the container is there and can be read.
            blob_cache_timeout: has no effect: nothing is cached by time.
            grant_workspace_access: without credentials, use the managed identity of the machine that runs tasks.
            connection: an Airflow connection (type wasb) that holds the credentials; looked up where tasks run.

        Raises:
            UserErrorException: the name is taken, or the container is not there or refuses.
        """
        del blob_cache_timeout
        sign_in = _registering.storage_sign_in(
            datastore_name,
            connection,
            account_key=account_key,
            sas_token=sas_token,
            managed=grant_workspace_access,
            missing="anonymous",
        )
        place = {"account": account_name, "container": container_name, "protocol": protocol, "endpoint": endpoint}
        azure = {"subscription_id": subscription_id, "resource_group": resource_group}
        wanted = _registering.Registration(
            datastore_name,
            "AzureBlob",
            {"kind": "azure_blob", **place, **azure, **sign_in},
            {"account_key": account_key} if account_key else {"sas_token": sas_token},
            overwrite=overwrite,
            create_if_not_exists=create_if_not_exists,
            skip_validation=skip_validation,
        )
        return cast("AzureBlobDatastore", _registering.register(workspace, wanted))

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
        *,
        connection: str | None = None,
    ) -> AzureFileDatastore:
        """Register a file share and return its datastore; as `register_azure_blob_container`, but never public."""
        sign_in = _registering.storage_sign_in(
            datastore_name, connection, account_key=account_key, sas_token=sas_token, managed=False, missing=""
        )
        place = {"account": account_name, "share": file_share_name, "protocol": protocol, "endpoint": endpoint}
        wanted = _registering.Registration(
            datastore_name,
            "AzureFile",
            {"kind": "azure_file", **place, **sign_in},
            {"account_key": account_key} if account_key else {"sas_token": sas_token},
            overwrite=overwrite,
            create_if_not_exists=create_if_not_exists,
            skip_validation=skip_validation,
        )
        return cast("AzureFileDatastore", _registering.register(workspace, wanted))

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
        """Not supported: Microsoft switched Data Lake Storage Gen1 off; move the data to Gen2 or a blob container."""
        del workspace, tenant_id, client_id, client_secret, resource_url, authority_url, subscription_id
        del resource_group, overwrite, grant_workspace_access
        raise NotSupportedError(
            f"datastore {datastore_name!r}: Data Lake Storage Gen1 ({store_name!r}) was switched off by Microsoft on "
            "29 February 2024; register the Gen2 account or blob container that the data was moved to"
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
        *,
        connection: str | None = None,
    ) -> AzureDataLakeGen2Datastore:
        """
        Register a file system of Data Lake Storage Gen2 and return its datastore.

        Without a service principal the managed identity of the machine that runs tasks is used. Nothing is looked at.

        Args:
            grant_workspace_access: has no effect: the identity of the machine is used where none is given.
            connection: an Airflow connection (type adls or wasb) that holds the credentials.
        """
        del grant_workspace_access
        sign_in = _registering.lake_sign_in(
            datastore_name, connection, tenant_id=tenant_id, client_id=client_id, client_secret=client_secret
        )
        place = {"account": account_name, "filesystem": filesystem, "protocol": protocol, "endpoint": endpoint}
        who = {"tenant_id": tenant_id, "authority_url": authority_url, "resource_url": resource_url}
        azure = {"subscription_id": subscription_id, "resource_group": resource_group}
        wanted = _registering.Registration(
            datastore_name,
            "AzureDataLakeGen2",
            {"kind": "azure_data_lake_gen2", **place, **who, **azure, **sign_in},
            {"client_secret": client_secret},
            overwrite=overwrite,
            skip_validation=True,
        )
        return cast("AzureDataLakeGen2Datastore", _registering.register(workspace, wanted))

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
        *,
        connection: str | None = None,
        **kwargs: object,
    ) -> AzureSqlDatabaseDatastore:
        """
        Register an Azure SQL database and return its datastore; nothing is looked at.

        Args:
            server_name: the server without `endpoint`, or a whole host name.
            endpoint: `database.windows.net` unless given; "" for a host in the machine's own network.
            grant_workspace_access: has no effect, like `subscription_id` and `resource_group`.
            connection: an Airflow connection (type mssql) that holds user and password.
            kwargs: have no effect.
        """
        del subscription_id, resource_group, grant_workspace_access, kwargs
        principal = {"tenant_id": tenant_id, "client_id": client_id, "client_secret": client_secret}
        principal |= {"authority_url": authority_url, "resource_url": resource_url}
        sign_in = _registering.database_sign_in(
            datastore_name, connection, user=username, password=password, principal=principal
        )
        place = {"server": server_name, "database": database_name}
        wanted = _registering.Registration(
            datastore_name,
            "AzureSqlDatabase",
            {
                "kind": "azure_sql",
                **place,
                "endpoint": _ending(server_name, endpoint, "database.windows.net"),
                **sign_in,
            },
            {"password": password} if username and password else {"client_secret": client_secret},
            overwrite=overwrite,
        )
        return cast("AzureSqlDatabaseDatastore", _registering.register(workspace, wanted))

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
        *,
        connection: str | None = None,
        **kwargs: object,
    ) -> AzurePostgreSqlDatastore:
        """
        Register a PostgreSQL database and return its datastore; nothing is looked at.

        Args:
            user_id: with `connection` both it and `user_password` may be "".
            endpoint: `postgres.database.azure.com` unless given; it completes a server's name without dots. "" for a
                host in the machine's own network.
            enforce_ssl: whether an unencrypted connection is refused.
            connection: an Airflow connection (type postgres) that holds user and password.
            kwargs: have no effect.
        """
        del kwargs
        place = {"server": server_name, "database": database_name, "port": port_number, "enforce_ssl": enforce_ssl}
        ending = _ending(server_name, endpoint, "postgres.database.azure.com")
        return cast(
            "AzurePostgreSqlDatastore",
            _registering.register_database(
                workspace,
                datastore_name,
                "AzurePostgreSql",
                {"kind": "postgres", **place, "endpoint": ending},
                user=user_id,
                password=user_password,
                connection=connection,
                overwrite=overwrite,
            ),
        )

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
        *,
        connection: str | None = None,
        **kwargs: object,
    ) -> AzureMySqlDatastore:
        """
        Register a MySQL database and return its datastore; as `register_azure_postgre_sql`.

        Args:
            endpoint: `mysql.database.azure.com` unless given.
            connection: an Airflow connection (type mysql) that holds user and password.
            kwargs: have no effect.
        """
        del kwargs
        place = {"server": server_name, "database": database_name, "port": port_number}
        ending = _ending(server_name, endpoint, "mysql.database.azure.com")
        return cast(
            "AzureMySqlDatastore",
            _registering.register_database(
                workspace,
                datastore_name,
                "AzureMySql",
                {"kind": "mysql", **place, "endpoint": ending},
                user=user_id,
                password=user_password,
                connection=connection,
                overwrite=overwrite,
            ),
        )

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


def _ending(server: str, endpoint: str | None, of_azure: str) -> str | None:
    """Return what completes a server's name: v1 has the server and its domain apart, ours may be any host."""
    if endpoint is not None:
        return endpoint
    return None if server == "localhost" or any(mark in server for mark in ".:/") else of_azure
