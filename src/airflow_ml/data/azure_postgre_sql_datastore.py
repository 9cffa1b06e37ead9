"""PostgreSQL databases (`azureml.data.azure_postgre_sql_datastore`); none can be registered yet."""

from __future__ import annotations

from airflow_ml.data.abstract_datastore import AbstractDatastore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.data._workspace import WorkspaceLike

__all__ = ["AzurePostgreSqlDatastore"]


class AzurePostgreSqlDatastore(AbstractDatastore):
    """A PostgreSQL database: where it is and who reads it; a password that is given is not kept."""

    def __init__(
        self,
        workspace: WorkspaceLike,
        name: str,
        server_name: str,
        database_name: str,
        user_id: str,
        user_password: str,
        port_number: str | None = None,
        enforce_ssl: bool = True,
    ) -> None:
        super().__init__(workspace, name, "AzurePostgreSql")
        del user_password
        self.server_name = server_name
        self.database_name = database_name
        self.user_id = user_id
        self.port_number = port_number
        self.enforce_ssl = enforce_ssl
