"""Databricks workspaces (`azureml.core.compute.databricks`), which are not supported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.core.compute._unsupported import UnsupportedCompute

if TYPE_CHECKING:
    from typing import NoReturn

    from airflow_ml.core.workspace import Workspace

__all__ = ["DatabricksCompute"]


class DatabricksCompute(UnsupportedCompute):
    """A Databricks workspace."""

    _compute_type = "Databricks"
    _instead = "use Airflow's own Databricks operators beside the pipeline"

    @staticmethod
    def attach(workspace: Workspace, name: str, resource_id: str, access_token: str) -> NoReturn:  # type: ignore[override]  # v1's signature differs from its parent's
        """Not supported: such targets cannot be attached."""
        raise DatabricksCompute._refusal(".attach", workspace, name, resource_id, access_token)

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None,
        workspace_name: str | None = None,
        resource_id: str | None = None,
        access_token: str = "",
    ) -> NoReturn:
        """Not supported: such targets cannot be attached."""
        raise DatabricksCompute._refusal(
            ".attach_configuration", resource_group, workspace_name, resource_id, access_token
        )

    def get_credentials(self) -> NoReturn:
        """Not supported: there is no such target."""
        raise self._refusal(".get_credentials")
