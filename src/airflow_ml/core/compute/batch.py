"""Azure Batch (`azureml.core.compute.batch`), which are not supported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.core.compute._unsupported import UnsupportedCompute

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["BatchCompute"]


class BatchCompute(UnsupportedCompute):
    """Azure Batch."""

    _compute_type = "Batch"
    _instead = "use AmlCompute"

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None, account_name: str | None = None, resource_id: str | None = None
    ) -> NoReturn:
        """Not supported: such targets cannot be attached."""
        raise BatchCompute._refusal(".attach_configuration", resource_group, account_name, resource_id)
