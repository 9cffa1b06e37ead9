"""Machines that are reached by SSH (`azureml.core.compute.remote`), which are not supported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.core.compute._unsupported import UnsupportedCompute

if TYPE_CHECKING:
    from typing import NoReturn

    from airflow_ml.core.workspace import Workspace

__all__ = ["RemoteCompute"]


class RemoteCompute(UnsupportedCompute):
    """A machine that is reached by SSH."""

    _compute_type = "Remote"
    _instead = "create an AmlCompute and start an Airflow worker on that machine, with the target's name as its queue"

    @staticmethod
    def attach(  # type: ignore[override]  # v1's signature differs from its parent's
        workspace: Workspace,
        name: str,
        username: str,
        address: str,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> NoReturn:
        """Not supported: such targets cannot be attached."""
        raise RemoteCompute._refusal(
            ".attach", workspace, name, username, address, ssh_port, password, private_key_file, private_key_passphrase
        )

    @staticmethod
    def attach_configuration(
        username: str,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        vm_name: str | None = None,
        resource_id: str | None = None,
        address: str | None = None,
        ssh_port: int = 22,
        password: str = "",
        private_key_file: str = "",
        private_key_passphrase: str = "",
    ) -> NoReturn:
        """Not supported: such targets cannot be attached."""
        raise RemoteCompute._refusal(
            ".attach_configuration",
            username,
            subscription_id,
            resource_group,
            vm_name,
            resource_id,
            address,
            ssh_port,
            password,
            private_key_file,
            private_key_passphrase,
        )

    def get_credentials(self) -> NoReturn:
        """Not supported: there is no such target."""
        raise self._refusal(".get_credentials")
