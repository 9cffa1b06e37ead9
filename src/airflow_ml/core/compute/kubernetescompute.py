"""Kubernetes clusters for training (`azureml.core.compute.kubernetescompute`), which are not supported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.core.compute._unsupported import UnsupportedCompute

if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["KubernetesCompute"]


class KubernetesCompute(UnsupportedCompute):
    """A Kubernetes cluster for training."""

    _compute_type = "Kubernetes"
    _instead = "use AmlCompute with Airflow's KubernetesExecutor"

    @staticmethod
    def attach_configuration(
        resource_id: str | None = None,
        namespace: str | None = None,
        identity_type: str | None = None,
        identity_ids: list[str] | None = None,
    ) -> NoReturn:
        """Not supported: such targets cannot be attached."""
        raise KubernetesCompute._refusal(".attach_configuration", resource_id, namespace, identity_type, identity_ids)
