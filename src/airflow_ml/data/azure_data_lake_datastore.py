"""
Data Lake Storage (`azureml.data.azure_data_lake_datastore`).

The classes hold what v1's objects show. No store of these kinds can be registered yet; credentials that are given to
a constructor are not kept, because objects in a DAG file never hold any.
"""

from __future__ import annotations

from airflow_ml.data.abstract_datastore import AbstractDatastore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.data._workspace import WorkspaceLike

__all__ = ["AbstractADLSDatastore", "AzureDataLakeDatastore", "AzureDataLakeGen2Datastore"]


class AbstractADLSDatastore(AbstractDatastore):
    """What both generations have in common: the identity that reads them, without its secret."""

    def __init__(
        self,
        workspace: WorkspaceLike,
        name: str,
        datastore_type: str,
        tenant_id: str | None,
        client_id: str | None,
        client_secret: str | None,
        resource_url: str | None,
        authority_url: str | None,
        service_data_access_auth_identity: str | None,
    ) -> None:
        super().__init__(workspace, name, datastore_type)
        del client_secret
        self.tenant_id = tenant_id
        self.client_id = client_id
        self.resource_url = resource_url
        self.authority_url = authority_url
        self.service_data_access_auth_identity = service_data_access_auth_identity


class AzureDataLakeDatastore(AbstractADLSDatastore):
    """Data Lake Storage Gen1, which no longer exists at Microsoft."""

    def __init__(
        self,
        workspace: WorkspaceLike,
        name: str,
        store_name: str,
        tenant_id: str | None,
        client_id: str | None,
        client_secret: str | None,
        resource_url: str | None = None,
        authority_url: str | None = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        service_data_access_auth_identity: str | None = None,
    ) -> None:
        super().__init__(
            workspace,
            name,
            "AzureDataLake",
            tenant_id,
            client_id,
            client_secret,
            resource_url,
            authority_url,
            service_data_access_auth_identity,
        )
        self.store_name = store_name
        self._subscription_id = subscription_id
        self._resource_group = resource_group

    @property
    def subscription_id(self) -> str | None:
        """The subscription of the storage account."""
        return self._subscription_id

    @subscription_id.setter
    def subscription_id(self, value: str | None) -> None:
        self._subscription_id = value

    @property
    def resource_group(self) -> str | None:
        """The resource group of the storage account."""
        return self._resource_group

    @resource_group.setter
    def resource_group(self, value: str | None) -> None:
        self._resource_group = value


class AzureDataLakeGen2Datastore(AbstractADLSDatastore):
    """A filesystem of Data Lake Storage Gen2."""

    def __init__(
        self,
        workspace: WorkspaceLike,
        name: str,
        container_name: str,
        account_name: str,
        tenant_id: str | None = None,
        client_id: str | None = None,
        client_secret: str | None = None,
        resource_url: str | None = None,
        authority_url: str | None = None,
        protocol: str | None = None,
        endpoint: str | None = None,
        service_data_access_auth_identity: str | None = None,
    ) -> None:
        super().__init__(
            workspace,
            name,
            "AzureDataLakeGen2",
            tenant_id,
            client_id,
            client_secret,
            resource_url,
            authority_url,
            service_data_access_auth_identity,
        )
        self.container_name = container_name
        self.account_name = account_name
        self.protocol = protocol
        self.endpoint = endpoint
