"""Kubernetes clusters (`azureml.core.compute.kubernetescompute`): that of Airflow's KubernetesExecutor."""

from __future__ import annotations

from airflow_ml.core.compute._placing import placing_settings
from airflow_ml.core.compute.compute import ComputeTarget
from airflow_ml.exceptions import ComputeTargetException, NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml.graph.model import Json

__all__ = ["KubernetesAttachConfiguration", "KubernetesCompute"]


class KubernetesAttachConfiguration:
    """Which cluster is attached, and how large its pods are; made by `KubernetesCompute.attach_configuration`."""

    compute_type = "Kubernetes"

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._settings = dict(settings)

    def to_settings(self) -> dict[str, Json]:
        """Return the settings as they are recorded."""
        return {key: value for key, value in self._settings.items() if value not in (None, "", {})}


class KubernetesCompute(ComputeTarget):
    """A namespace of the cluster that Airflow's KubernetesExecutor starts pods in."""

    _compute_type = "Kubernetes"

    @staticmethod
    def attach_configuration(
        resource_id: str | None = None,
        namespace: str | None = None,
        identity_type: str | None = None,
        identity_ids: list[str] | None = None,
        *,
        vm_size: str = "",
        max_nodes: int = 1,
        gpus: int | None = None,
        executor: str | None = None,
        node_selector: Mapping[str, str] | None = None,
    ) -> KubernetesAttachConfiguration:
        """
        Describe a cluster to be attached.

        Args:
            resource_id: kept and shown; the cluster is the executor's.
            namespace: of the pods; default: the executor's.
            vm_size: size of a pod, in Azure's words.
            max_nodes: how many pods run at the same time.
            gpus: of a pod, where `vm_size` is none of Azure's.
            executor: the name under which Airflow's configuration has its KubernetesExecutor, if it is not the default.
            node_selector: labels of the machines that the pods may run on.

        Raises:
            ComputeTargetException: a number that cannot be.
            NotSupportedError: identities of Azure.
        """
        if identity_type or identity_ids:
            raise NotSupportedError(
                "KubernetesCompute: identity_type and identity_ids are Azure's; pods run under the service account of"
                " Airflow's pod template, so leave them out"
            )
        if isinstance(max_nodes, bool) or not isinstance(max_nodes, int) or max_nodes < 1:
            raise ComputeTargetException(f"KubernetesCompute: max_nodes is {max_nodes!r}, expected 1 or more")
        return KubernetesAttachConfiguration(
            {
                "resource_id": resource_id,
                "namespace": namespace,
                "vm_size": vm_size,
                "max_nodes": max_nodes,
                "node_selector": dict(node_selector or {}),
                **placing_settings("KubernetesCompute", launcher="kubernetes", executor=executor, gpus=gpus),
            }
        )
