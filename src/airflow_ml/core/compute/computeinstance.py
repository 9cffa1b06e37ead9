"""Single machines (`azureml.core.compute.computeinstance`)."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.core.compute._placing import placing_settings
from airflow_ml.core.compute.compute import ComputeTarget
from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import NoReturn

    from airflow_ml.core import run
    from airflow_ml.core._run_filters import Labels
    from airflow_ml.core.run import Run
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph.model import Json
else:
    run = late("airflow_ml.core.run")

__all__ = ["ComputeInstance", "ComputeInstanceProvisioningConfiguration", "ComputeInstanceStatus"]

_REFERENCE = "https://learn.microsoft.com/python/api/azureml-core/azureml.core.compute.ComputeInstance"


class ComputeInstanceProvisioningConfiguration:
    """How a machine shall be; made by `ComputeInstance.provisioning_configuration`."""

    compute_type = "ComputeInstance"

    def __init__(
        self,
        vm_size: str,
        tags: Mapping[str, str] | None,
        description: str | None,
        *,
        placing: Mapping[str, Json] | None = None,
    ) -> None:
        self.vm_size = vm_size
        self.tags = tags
        self.description = description
        self.placing = dict(placing or {})

    def to_settings(self) -> dict[str, Json]:
        """Return the settings as they are recorded: a machine is a cluster of one node."""
        settings: dict[str, Json] = {
            "vm_size": self.vm_size or None,
            "min_nodes": 1,
            "max_nodes": 1,
            "description": self.description,
            "tags": dict(self.tags or {}),
            **self.placing,
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
        return {
            "errors": self.errors,
            "creationTime": self.creation_time,
            "createdBy": {
                "userObjectId": self.created_by_user_id,
                "userTenantId": self.created_by_user_org,
                "userName": self.created_by_user_name,
            },
            "modifiedTime": self.modified_time,
            "state": self.state,
            "vmSize": self.vm_size,
        }

    @staticmethod
    def deserialize(object_dict: Mapping[str, Json] | None) -> ComputeInstanceStatus | None:
        """Return what `serialize` was called on; None for nothing, as in v1."""
        if not object_dict:
            return None
        made_by, errors = object_dict.get("createdBy"), object_dict.get("errors")
        user = made_by if isinstance(made_by, dict) else {}
        return ComputeInstanceStatus(
            *(_text(object_dict, "creationTime"), _text(user, "userName"), _text(user, "userObjectId")),
            *(_text(user, "userTenantId"), errors if isinstance(errors, list) else None),
            *(_text(object_dict, "modifiedTime"), _text(object_dict, "state") or ""),
            _text(object_dict, "vmSize") or "",
        )


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
        *,
        launcher: str | None = None,
        executor: str | None = None,
        gpus: int | None = None,
    ) -> ComputeInstanceProvisioningConfiguration:
        """
        Describe a machine to be made.

        Args:
            launcher: what starts a step's script: `process` (the default), `docker` or `kubernetes`.
            executor: name of the Airflow executor that runs the target's tasks; default: Airflow's own.
            gpus: of the machine, where `vm_size` is none of Azure's.

        Raises:
            ComputeTargetException: an unknown launcher, or a number of GPUs that cannot be.
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
        placing = placing_settings("ComputeInstance", launcher=launcher, executor=executor, gpus=gpus)
        return ComputeInstanceProvisioningConfiguration(vm_size, tags, description, placing=placing)

    def get_status(self) -> ComputeInstanceStatus:
        """Return the state, in v1's form; always running."""
        size = str(self.settings.get("vm_size") or "")
        return ComputeInstanceStatus(None, None, None, None, None, None, "Running", size)

    def get(self) -> ComputeInstanceStatus:
        """Return the state; the same as `get_status`."""
        return self.get_status()

    def delete(self, wait_for_completion: bool = False, show_output: bool = False) -> None:
        """
        Forget the target.

        Args:
            wait_for_completion: has no effect: it is done on return.
            show_output: say so.
        """
        del wait_for_completion
        super().delete()
        if show_output:
            print("Deleted")  # noqa: T201 - v1's show_output

    def get_active_runs(
        self,
        type: str | None = None,
        tags: Labels = None,
        properties: Labels = None,
        status: str | None = None,
    ) -> Iterator[Run]:
        """Return the runs that run on the target or wait for it; see `Run.list_by_compute`."""
        return run.Run.list_by_compute(self, type, tags, properties, status)

    @classmethod
    def get_docs_url(cls) -> str:
        """Return where Microsoft describes v1's class."""
        return _REFERENCE

    def update_sso_settings(self, value: bool) -> NoReturn:
        """Not supported: nobody logs in to a machine here."""
        raise _refused(self.name, f"update_sso_settings({value!r})")

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
        f"ComputeInstance {name!r}: {call} is not supported; machines are Airflow's workers, do it with the worker "
        "there"
    )


def _text(values: Mapping[str, Json], key: str) -> str | None:
    value = values.get(key)
    return None if value is None else str(value)
