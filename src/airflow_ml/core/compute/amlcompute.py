"""Clusters of equal nodes (`azureml.core.compute.amlcompute`)."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.core.compute._amlcompute_status import AmlComputeStatus, ScaleSettings
from airflow_ml.core.compute._placing import placing_settings
from airflow_ml.core.compute.compute import ComputeTarget
from airflow_ml.exceptions import ComputeTargetException, NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import NoReturn

    from airflow_ml.compute import vm_sizes
    from airflow_ml.core import run
    from airflow_ml.core._run_filters import Labels
    from airflow_ml.core.compute import _known, _occupancy
    from airflow_ml.core.run import Run
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph.model import Json
else:
    run = late("airflow_ml.core.run")
    vm_sizes = late("airflow_ml.compute.vm_sizes")
    _known = late("airflow_ml.core.compute._known")
    _occupancy = late("airflow_ml.core.compute._occupancy")

__all__ = ["AmlCompute", "AmlComputeProvisioningConfiguration", "AmlComputeStatus", "ScaleSettings"]

_PORT_ACCESS = ("Enabled", "Disabled", "NotSpecified")


class AmlComputeProvisioningConfiguration:
    """
    How a cluster shall be; made by `AmlCompute.provisioning_configuration`.

    Attributes:
        max_nodes: how many nodes' worth of steps run at the same time.
        min_nodes: kept and shown; no node is ever rented.
        placing: what v1 does not know: launcher, executor and GPUs of a node.
    """

    compute_type = "AmlCompute"

    def __init__(
        self,
        vm_size: str = "",
        vm_priority: str = "dedicated",
        min_nodes: int = 0,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: int | None = 1800,
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
        *,
        placing: Mapping[str, Json] | None = None,
    ) -> None:
        self.vm_size = vm_size
        self.vm_priority = vm_priority
        self.min_nodes = min_nodes
        self.max_nodes = max_nodes
        self.idle_seconds_before_scaledown = idle_seconds_before_scaledown
        self.tags = tags
        self.description = description
        self.placing = dict(placing or {})
        self.validate_configuration()

    def validate_configuration(self) -> None:
        """
        Check the numbers of nodes.

        Raises:
            ComputeTargetException: no `max_nodes`, or a number that does not fit.
            TypeError: a number of nodes that is text (v1 behaviour).
        """
        if self.max_nodes is None:
            raise ComputeTargetException("AmlCompute: max_nodes is missing; say how many nodes may work at once")
        for name, value in (("min_nodes", self.min_nodes), ("max_nodes", self.max_nodes)):
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"AmlCompute: {name} is {value!r}, expected a whole number")
        if self.min_nodes < 0 or self.max_nodes < 1 or self.min_nodes > self.max_nodes:
            raise ComputeTargetException(
                f"AmlCompute: min_nodes {self.min_nodes} and max_nodes {self.max_nodes} do not fit; expected "
                "0 <= min_nodes <= max_nodes and max_nodes at least 1"
            )

    def to_settings(self) -> dict[str, Json]:
        """Return the settings as they are recorded."""
        settings: dict[str, Json] = {
            "vm_size": self.vm_size or None,
            "vm_priority": self.vm_priority,
            "min_nodes": self.min_nodes,
            "max_nodes": self.max_nodes,
            "idle_seconds_before_scaledown": self.idle_seconds_before_scaledown,
            "description": self.description,
            "tags": dict(self.tags or {}),
            **self.placing,
        }
        return {key: value for key, value in settings.items() if value not in (None, {})}


class AmlCompute(ComputeTarget):
    """
    A cluster: up to `max_nodes` nodes of one VM size.

    The size says how many processors, how much memory and how many GPUs a step on one node may use; the nodes are
    the workers of the own Airflow. See ComputeTarget for finding one.
    """

    _compute_type = "AmlCompute"

    @staticmethod
    def provisioning_configuration(
        vm_size: str = "",
        vm_priority: str = "dedicated",
        min_nodes: int = 0,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: int | None = 1800,
        admin_username: str | None = None,
        admin_user_password: str | None = None,
        admin_user_ssh_key: str | None = None,
        vnet_resourcegroup_name: str | None = None,
        vnet_name: str | None = None,
        subnet_name: str | None = None,
        tags: Mapping[str, str] | None = None,
        description: str | None = None,
        remote_login_port_public_access: str = "NotSpecified",
        identity_type: str | None = None,
        identity_id: list[str] | None = None,
        location: str | None = None,
        enable_node_public_ip: bool = True,
        *,
        launcher: str | None = None,
        executor: str | None = None,
        gpus: int | None = None,
    ) -> AmlComputeProvisioningConfiguration:
        """
        Describe a cluster to be made.

        Args:
            vm_size: such as `STANDARD_NC6`, in any case; without one a node is the whole worker.
            vm_priority: kept and shown.
            min_nodes: kept and shown.
            max_nodes: must be given.
            idle_seconds_before_scaledown: kept and shown.
            location: not used, like every argument about Azure's own machines.
            enable_node_public_ip: not used.
            launcher: what starts a step's script: `process` (the default), `docker` or `kubernetes`.
            executor: name of the Airflow executor that runs the target's tasks; default: Airflow's own.
            gpus: of one node, where `vm_size` is none of Azure's.

        Raises:
            ComputeTargetException: no `max_nodes`, numbers that do not fit, or an unknown word for the login port or
                the launcher.
            TypeError: a number of nodes that is text.
            NotSupportedError: accounts, networks or identities of the nodes.
        """
        del location, enable_node_public_ip
        if remote_login_port_public_access not in _PORT_ACCESS:
            raise ComputeTargetException(
                f"AmlCompute: remote_login_port_public_access {remote_login_port_public_access!r} is not one of "
                f"{', '.join(_PORT_ACCESS)}"
            )
        _refuse_node_administration(
            admin_username=admin_username,
            admin_user_password=admin_user_password,
            admin_user_ssh_key=admin_user_ssh_key,
            vnet_resourcegroup_name=vnet_resourcegroup_name,
            vnet_name=vnet_name,
            subnet_name=subnet_name,
            identity_type=identity_type,
            identity_id=identity_id,
        )
        return AmlComputeProvisioningConfiguration(
            *(vm_size, vm_priority, min_nodes, max_nodes, idle_seconds_before_scaledown, tags, description),
            placing=placing_settings("AmlCompute", launcher=launcher, executor=executor, gpus=gpus),
        )

    @property
    def vm_size(self) -> str:
        """The size of one node; empty if none was given."""
        return str(self.settings.get("vm_size") or "")

    @property
    def vm_priority(self) -> str:
        """Kept for v1 code."""
        return str(self.settings.get("vm_priority") or "dedicated")

    @property
    def scale_settings(self) -> ScaleSettings:
        """The numbers of nodes."""
        numbers = [self.settings.get(key) for key in ("min_nodes", "max_nodes", "idle_seconds_before_scaledown")]
        return ScaleSettings(*(number if isinstance(number, int) else None for number in numbers))

    @property
    def status(self) -> AmlComputeStatus:
        """The state of the cluster, in v1's form."""
        return self.get_status()

    def get_status(self) -> AmlComputeStatus:
        """
        Return the state of the cluster, in v1's form.

        A node counts while a run of the workspace works on it. Workers of Airflow that have nothing to do are not
        known to the workspace: of idle nodes there are as many as `min_nodes` leaves.
        """
        status = AmlComputeStatus.at_rest(self.vm_size, self.vm_priority, self.scale_settings)
        return status if self.is_declared else status.with_nodes([str(node["nodeState"]) for node in self.list_nodes()])

    def get(self) -> AmlComputeStatus:
        """Return the state of the cluster; the same as `get_status`."""
        return self.get_status()

    def wait_for_completion(  # type: ignore[override]  # v1's signature differs from its parent's
        self,
        show_output: bool = False,
        min_node_count: int | None = None,
        timeout_in_minutes: int = 25,
        is_delete_operation: bool = False,
    ) -> None:
        """
        Return at once: no node has to be rented.

        Args:
            show_output: say so.
            min_node_count: any number of nodes counts as being there.
            timeout_in_minutes: never reached.
            is_delete_operation: waiting for a deletion; it is done as well.
        """
        del min_node_count, timeout_in_minutes
        if show_output:
            done = "Deleted" if is_delete_operation else "Succeeded"
            print(f"{done}\nAmlCompute wait for completion finished")  # noqa: T201 - v1's show_output

    def update(
        self,
        min_nodes: int | None = None,
        max_nodes: int | None = None,
        idle_seconds_before_scaledown: int | None = None,
    ) -> None:
        """
        Change the numbers of nodes; what is None stays.

        Raises:
            ComputeTargetException: numbers that do not fit.
        """
        scale, idle = self.scale_settings, idle_seconds_before_scaledown
        changed = AmlComputeProvisioningConfiguration(
            self.vm_size,
            self.vm_priority,
            (scale.minimum_node_count or 0) if min_nodes is None else min_nodes,
            scale.maximum_node_count if max_nodes is None else max_nodes,
            scale.idle_seconds_before_scaledown if idle is None else idle,
            self.tags,
            self.description,
            placing={name: self.settings[name] for name in ("launcher", "executor", "gpus") if name in self.settings},
        )
        put = _known.declare if self.is_declared else _known.put
        self.settings = put(self.workspace, self.name, self.type, changed.to_settings()).settings

    @staticmethod
    def supported_vmsizes(workspace: Workspace, location: str | None = None) -> list[dict[str, Json]]:
        """Return the VM sizes that are known, in v1's form; the same ones everywhere."""
        del workspace, location
        return [_described(name) for name in vm_sizes.names()]

    def list_nodes(self) -> list[dict[str, Json]]:
        """Return the nodes on which runs of the workspace work now; machines without work are on Airflow's pages."""
        return [] if self.is_declared else _occupancy.working_nodes(self.workspace, self.name)

    def get_active_runs(
        self,
        type: str | None = None,
        tags: Labels = None,
        properties: Labels = None,
        status: str | None = None,
    ) -> Iterator[Run]:
        """
        Return the runs that run on the target or wait for it; see `Run.list_by_compute`.

        Args:
            status: `Running` or `Queued`; both unless given.
        """
        return run.Run.list_by_compute(self, type, tags, properties, status)

    def add_identity(self, identity_type: str, identity_id: list[str] | None = None) -> NoReturn:
        """Not supported: workers run under the account that started them."""
        raise _refused(self.name, "add_identity", "start the worker under that account", identity_type, identity_id)

    def remove_identity(self, identity_id: list[str] | None = None) -> NoReturn:
        """Not supported: workers run under the account that started them."""
        raise _refused(self.name, "remove_identity", "start the worker under another account", identity_id)

    @staticmethod
    def list_quotas(workspace: Workspace, location: str | None = None) -> NoReturn:
        """Not supported: nothing is rented, so there is no quota."""
        raise _refused(workspace.name, "list_quotas", "look at Airflow's pools", location)

    @staticmethod
    def list_usages(workspace: Workspace, show_all: bool = False, location: str | None = None) -> NoReturn:
        """Not supported: nothing is rented, so there is no quota."""
        raise _refused(workspace.name, "list_usages", "look at Airflow's pools", show_all, location)

    @staticmethod
    def update_quotas(
        workspace: Workspace, vm_family: str, limit: int | None = None, location: str | None = None
    ) -> NoReturn:
        """Not supported: nothing is rented, so there is no quota."""
        raise _refused(workspace.name, "update_quotas", "change max_nodes", vm_family, limit, location)


def _refuse_node_administration(**arguments: object) -> None:
    given = sorted(name for name, value in arguments.items() if value is not None)
    if given:
        raise NotSupportedError(
            f"AmlCompute: {', '.join(given)} administer machines at Azure; the nodes here are Airflow's workers, set "
            "them up where they are started and leave these arguments out"
        )


def _refused(name: str, call: str, instead: str, *_arguments: object) -> NotSupportedError:
    return NotSupportedError(f"AmlCompute of {name!r}: {call} is not supported; {instead}")


def _described(name: str) -> dict[str, Json]:
    size = vm_sizes.find(name)
    return {"name": name, "vCPUs": size.cpus, "gpus": size.gpu_devices, "memoryGB": size.memory_gib}
