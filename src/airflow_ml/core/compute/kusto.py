"""Data Explorer clusters (`azureml.core.compute.kusto`), which are not supported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.core.compute._unsupported import UnsupportedCompute

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["KustoCompute"]


class KustoCompute(UnsupportedCompute):
    """A Data Explorer cluster."""

    _compute_type = "Kusto"
    _instead = "query it in a script with the azure-kusto-data package"

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None,
        workspace_name: str | None = None,
        resource_id: str | None = None,
        tenant_id: str | None = None,
        kusto_connection_string: str | None = None,
        application_id: str | None = None,
        application_key: str | None = None,
    ) -> NoReturn:
        """Not supported: such targets cannot be attached."""
        raise KustoCompute._refusal(
            ".attach_configuration",
            resource_group,
            workspace_name,
            resource_id,
            tenant_id,
            kusto_connection_string,
            application_id,
            application_key,
        )

    def get_credentials(self) -> NoReturn:
        """Not supported: there is no such target."""
        raise self._refusal(".get_credentials")
