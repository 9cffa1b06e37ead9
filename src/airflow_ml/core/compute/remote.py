"""
Attached machines (`azureml.core.compute.remote`): the team's own, with an Airflow worker on each.

v1 logged in by SSH. Here the machine's worker takes the steps from the queue of the target's name, so no password or
key is needed, and none is taken.
"""

from __future__ import annotations

from airflow_ml.core.compute._placing import placing_settings
from airflow_ml.core.compute.compute import ComputeTarget
from airflow_ml.exceptions import ComputeTargetException, NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph.model import Json

__all__ = ["RemoteAttachConfiguration", "RemoteCompute"]

_INSTEAD = (
    "start an Airflow worker on that machine with the target's name as its queue (airflow celery worker -q NAME), and"
    " leave out how to log in"
)


class RemoteAttachConfiguration:
    """Which machine is attached; made by `RemoteCompute.attach_configuration`."""

    compute_type = "Remote"

    def __init__(self, username: str, address: str, vm_size: str, placing: Mapping[str, Json]) -> None:
        self.username = username
        self.address = address
        self.vm_size = vm_size
        self.placing = placing

    def to_settings(self) -> dict[str, Json]:
        """Return the settings as they are recorded: a machine is a cluster of one node."""
        settings: dict[str, Json] = {
            "address": self.address,
            "username": self.username or None,
            "vm_size": self.vm_size or None,
            "max_nodes": 1,
            **self.placing,
        }
        return {key: value for key, value in settings.items() if value is not None}


class RemoteCompute(ComputeTarget):
    """A machine of the team's own."""

    _compute_type = "Remote"

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
    ) -> ComputeTarget:
        """Record the machine under a name; see `attach_configuration`."""
        configuration = RemoteCompute.attach_configuration(
            username,
            address=address,
            ssh_port=ssh_port,
            password=password,
            private_key_file=private_key_file,
            private_key_passphrase=private_key_passphrase,
        )
        return ComputeTarget.attach(workspace, name, configuration)

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
        *,
        vm_size: str = "",
        launcher: str | None = None,
        executor: str | None = None,
        gpus: int | None = None,
    ) -> RemoteAttachConfiguration:
        """
        Describe a machine to be attached.

        Args:
            username: kept and shown.
            address: kept and shown; nothing is asked of it.
            vm_size: a size that the machine is like, for the limits of containers; default: the whole machine.
            launcher: what starts a step's script: `process` (the default), `docker` or `kubernetes`.
            executor: name of the Airflow executor that runs the target's tasks; default: Airflow's own.
            gpus: of the machine.

        Raises:
            ComputeTargetException: no address, an unknown launcher, or a number of GPUs that cannot be.
            NotSupportedError: a way to log in, or a machine of Azure's by its resource.
        """
        if password or private_key_file or private_key_passphrase or ssh_port != 22:
            raise NotSupportedError(f"RemoteCompute: nobody logs in to a machine here; {_INSTEAD}")
        if subscription_id or resource_group or vm_name or resource_id:
            raise NotSupportedError(f"RemoteCompute: Azure is not asked for machines; give the address, and {_INSTEAD}")
        if not address:
            raise ComputeTargetException("RemoteCompute: address is missing; give the machine's name or address")
        placing = placing_settings("RemoteCompute", launcher=launcher, executor=executor, gpus=gpus)
        return RemoteAttachConfiguration(username, address, vm_size, placing)

    def get_credentials(self) -> NoReturn:
        """Not supported: nobody logs in to a machine here."""
        raise NotSupportedError(f"RemoteCompute {self.name!r}: there are no credentials: {_INSTEAD}")
