"""Azure SQL databases (`azureml.data.azure_sql_database_datastore`); none can be registered yet."""

from __future__ import annotations

from airflow_ml.data.abstract_datastore import AbstractDatastore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.data._workspace import WorkspaceLike

__all__ = ["AzureSqlDatabaseDatastore"]


class AzureSqlDatabaseDatastore(AbstractDatastore):
    """An Azure SQL database: where it is and who reads it; secrets that are given are not kept."""

    def __init__(
        self,
        workspace: WorkspaceLike,
        name: str,
        server_name: str,
        database_name: str,
        tenant_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        resource_url: str | None = None,
        authority_url: str | None = None,
        username: str | None = None,
        password: str | None = None,
        auth_type: str | None = None,
        service_data_access_auth_identity: str | None = None,
    ) -> None:
        super().__init__(workspace, name, "AzureSqlDatabase")
        del client_secret, password
        self.server_name = server_name
        self.database_name = database_name
        self.tenant_id = tenant_id
        self.client_id = client_id
        self.resource_url = resource_url
        self.authority_url = authority_url
        self.username = username
        self.auth_type = auth_type
        self.service_data_access_auth_identity = service_data_access_auth_identity
