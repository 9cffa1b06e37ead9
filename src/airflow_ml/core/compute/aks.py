"""Kubernetes clusters for serving (`azureml.core.compute.aks`), which are not supported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.core.compute._unsupported import UnsupportedCompute

if TYPE_CHECKING:
    from typing import NoReturn

    from airflow_ml.core.workspace import Workspace

__all__ = ["AksCompute"]


class AksCompute(UnsupportedCompute):
    """A Kubernetes cluster for serving."""

    _compute_type = "Aks"
    _instead = "serve the files of Model.download with a tool of your choice"

    @staticmethod
    def attach(workspace: Workspace, name: str, resource_id: str) -> NoReturn:  # type: ignore[override]  # v1's signature differs from its parent's
        """Not supported: such targets cannot be attached."""
        raise AksCompute._refusal(".attach", workspace, name, resource_id)

    @staticmethod
    def attach_configuration(
        resource_group: str | None = None,
        cluster_name: str | None = None,
        resource_id: str | None = None,
        cluster_purpose: str | None = None,
        load_balancer_type: str | None = None,
        load_balancer_subnet: str | None = None,
    ) -> NoReturn:
        """Not supported: such targets cannot be attached."""
        raise AksCompute._refusal(
            ".attach_configuration",
            resource_group,
            cluster_name,
            resource_id,
            cluster_purpose,
            load_balancer_type,
            load_balancer_subnet,
        )

    @staticmethod
    def provisioning_configuration(
        agent_count: int | None = None,
        vm_size: str | None = None,
        ssl_cname: str | None = None,
        ssl_cert_pem_file: str | None = None,
        ssl_key_pem_file: str | None = None,
        location: str | None = None,
        vnet_resourcegroup_name: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
        service_cidr: str | None = None,
        dns_service_ip: str | None = None,
        docker_bridge_cidr: str | None = None,
        cluster_purpose: str | None = None,
        load_balancer_type: str | None = None,
        load_balancer_subnet: str | None = None,
    ) -> NoReturn:
        """Not supported: such targets cannot be made."""
        raise AksCompute._refusal(
            ".provisioning_configuration",
            agent_count,
            vm_size,
            ssl_cname,
            ssl_cert_pem_file,
            ssl_key_pem_file,
            location,
            vnet_resourcegroup_name,
            vnet_name,
            subnet_name,
            service_cidr,
            dns_service_ip,
            docker_bridge_cidr,
            cluster_purpose,
            load_balancer_type,
            load_balancer_subnet,
        )

    def get_credentials(self) -> NoReturn:
        """Not supported: there is no such target."""
        raise self._refusal(".get_credentials")
