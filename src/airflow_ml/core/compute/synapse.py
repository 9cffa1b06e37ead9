"""Synapse Spark pools (`azureml.core.compute.synapse`), which are not supported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.core.compute._unsupported import UnsupportedCompute

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["SynapseCompute"]


class SynapseCompute(UnsupportedCompute):
    """A Synapse Spark pool."""

    _compute_type = "Synapse"
    _instead = "use Airflow's own Spark operators beside the pipeline"

    @staticmethod
    def attach_configuration(linked_service: object, type: str, pool_name: str) -> NoReturn:
        """Not supported: such targets cannot be attached."""
        raise SynapseCompute._refusal(".attach_configuration", linked_service, type, pool_name)
