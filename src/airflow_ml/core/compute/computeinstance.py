"""Single machines (`azureml.core.compute.computeinstance`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_ml.core.compute.compute import ComputeTarget
from airflow_ml.exceptions import NotSupportedError

if TYPE_CHECKING:
    from typing import NoReturn

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph.model import Json

__all__ = ["ComputeInstance", "ComputeInstanceProvisioningConfiguration", "ComputeInstanceStatus"]


class ComputeInstanceProvisioningConfiguration:
    """How a machine shall be; made by `ComputeInstance.provisioning_configuration`."""

    compute_type = "ComputeInstance"

    def __init__(self, vm_size: str, tags: Mapping[str, str] | None, description: str | None) -> None:
        self.vm_size = vm_size
        self.tags = tags
        self.description = description

    def to_settings(self) -> dict[str, Json]:
        """Return the settings as they are recorded: a machine is a cluster of one node."""
        settings: dict[str, Json] = {
            "vm_size": self.vm_size or None,
            "min_nodes": 1,
            "max_nodes": 1,
            "description": self.description,
            "tags": dict(self.tags or {}),
        }
        return {key: value for key, value in settings.items() if value not in (None, {})}


class ComputeInstanceStatus:
    """State of a machine."""

    def __init__(
        self,
        creation_time: str | None,
        created_by_user_name: str | None,
        created_by_user_id: str | None,
        created_by_user_org: str | None,
        errors: list[Json] | None,
        modified_time: str | None,
        state: str,
        vm_size: str,
    ) -> None:
        self.creation_time = creation_time
        self.created_by_user_name = created_by_user_name
        self.created_by_user_id = created_by_user_id
        self.created_by_user_org = created_by_user_org
        self.errors = errors
        self.modified_time = modified_time
        self.state = state
        self.vm_size = vm_size

    def serialize(self) -> dict[str, Json]:
        """Return v1's JSON."""
        return {"errors": self.errors, "state": self.state, "vmSize": self.vm_size}


class ComputeInstance(ComputeTarget):
    """A single machine: a target for one step at a time."""

    _compute_type = "ComputeInstance"

    @staticmethod
    def provisioning_configuration(
        vm_size: str = "",
        ssh_public_access: bool = False,
        admin_user_ssh_public_key: str | None = None,
        vnet_resourcegroup_name: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
        assigned_user_object_id: str | None = None,
        assigned_user_tenant_id: str | None = None,
    ) -> ComputeInstanceProvisioningConfiguration:
        """
        Describe a machine to be made.

        Raises:
            NotSupportedError: accounts or networks of the machine.
        """
        given = (
            ssh_public_access,
            admin_user_ssh_public_key,
            vnet_resourcegroup_name,
            vnet_name,
            subnet_name,
            assigned_user_object_id,
            assigned_user_tenant_id,
        )
        if any(given):
            raise NotSupportedError(
                "ComputeInstance: accounts and networks administer machines at Azure; give vm_size, tags and "
                "description only, and set the worker up where it is started"
            )
        return ComputeInstanceProvisioningConfiguration(vm_size, tags, description)

    def get_status(self) -> ComputeInstanceStatus:
        """Return the state, in v1's form; always running."""
        size = str(self.settings.get("vm_size") or "")
        return ComputeInstanceStatus(None, None, None, None, None, None, "Running", size)

    def start(self, wait_for_completion: bool = False, show_output: bool = False) -> NoReturn:
        """Not supported: start the Airflow worker on that machine."""
        raise _refused(self.name, "start", wait_for_completion, show_output)

    def stop(self, wait_for_completion: bool = False, show_output: bool = False) -> NoReturn:
        """Not supported: stop the Airflow worker on that machine."""
        raise _refused(self.name, "stop", wait_for_completion, show_output)

    def restart(self, wait_for_completion: bool = False, show_output: bool = False) -> NoReturn:
        """Not supported: restart the Airflow worker on that machine."""
        raise _refused(self.name, "restart", wait_for_completion, show_output)

    @staticmethod
    def supported_vmsizes(workspace: Workspace, location: str | None = None) -> NoReturn:
        """Not supported here: ask `AmlCompute.supported_vmsizes`."""
        raise NotSupportedError(
            f"ComputeInstance of {workspace.name!r}: supported_vmsizes({location!r}) is not supported; use "
            "AmlCompute.supported_vmsizes(workspace)"
        )


def _refused(name: str, call: str, *_arguments: object) -> NotSupportedError:
    return NotSupportedError(
        f"ComputeInstance {name!r}: {call} is not supported; machines are Airflow's workers, {call} the worker there"
    )
