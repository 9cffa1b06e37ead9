"""Data Lake Analytics (`azureml.core.compute.adla`), which are not supported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.core.compute._unsupported import UnsupportedCompute

if TYPE_CHECKING:
    from typing import NoReturn

    from airflow_ml.core.workspace import Workspace

__all__ = ["AdlaCompute"]


class AdlaCompute(UnsupportedCompute):
    """Data Lake Analytics, which Microsoft has ended."""

    _compute_type = "Adla"
    _instead = "Microsoft has ended it; use AmlCompute and a script"

    @staticmethod
    def attach(workspace: Workspace, name: str, resource_id: str) -> NoReturn:  # type: ignore[override]  # v1's signature differs from its parent's
        """Not supported: such targets cannot be attached."""
        raise AdlaCompute._refusal(".attach", workspace, name, resource_id)

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None, account_name: str | None = None, resource_id: str | None = None
    ) -> NoReturn:
        """Not supported: such targets cannot be attached."""
        raise AdlaCompute._refusal(".attach_configuration", resource_group, account_name, resource_id)
