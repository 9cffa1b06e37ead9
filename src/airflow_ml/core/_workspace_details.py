"""The part of a workspace that is about itself: what is said of it, its default computes, its end."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.core._caller import is_parsing_dag
from airflow_ml.data._workspace import refuse_while_parsing
from airflow_ml.exceptions import NotSupportedError, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml import registry as registries
    from airflow_ml.core import keyvault
    from airflow_ml.core import reuse_policy as policies
    from airflow_ml.core.compute import amlcompute
    from airflow_ml.core.compute.amlcompute import AmlCompute, AmlComputeProvisioningConfiguration
    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.keyvault import Keyvault
    from airflow_ml.core.reuse_policy import ReusePolicy
    from airflow_ml.graph.model import Json, WorkspaceRef
    from airflow_ml.registry import Registry
    from airflow_ml.storage import web_access
else:
    amlcompute = late("airflow_ml.core.compute.amlcompute")
    keyvault = late("airflow_ml.core.keyvault")
    policies = late("airflow_ml.core.reuse_policy")
    registries = late("airflow_ml.registry")
    web_access = late("airflow_ml.storage.web_access")

__all__ = ["DescribedWorkspace"]

#: Among the details of the workspace.
_REUSE = "reuse"


class _DefaultCluster:
    """What v1 makes where a default compute target is asked for; made when somebody looks."""

    def __init__(self, vm_size: str) -> None:
        self._vm_size = vm_size

    def __get__(self, _workspace: object, _cls: type) -> AmlComputeProvisioningConfiguration:
        return amlcompute.AmlCompute.provisioning_configuration(self._vm_size, max_nodes=2)


class DescribedWorkspace:
    """What is said of a workspace. It is kept in the registry, and asked for there unless the object was given it."""

    DEFAULT_CPU_CLUSTER_CONFIGURATION = _DefaultCluster("STANDARD_DS2_V2")
    DEFAULT_CPU_CLUSTER_NAME = "cpu-cluster"
    DEFAULT_GPU_CLUSTER_CONFIGURATION = _DefaultCluster("STANDARD_NC6")
    DEFAULT_GPU_CLUSTER_NAME = "gpu-cluster"

    _ref: WorkspaceRef
    _given: dict[str, Json]

    # The class that mixes this in has them.
    def registry(self) -> Registry:
        """Return the opened registry."""
        raise NotImplementedError

    @property
    def compute_targets(self) -> Mapping[str, ComputeTarget]:
        """The compute targets, by name."""
        raise NotImplementedError

    def _said(self, name: str) -> Json:
        given = self._given.get(name)
        if given is not None or is_parsing_dag():
            return given
        return self.registry().details.get().get(name)

    @property
    def location(self) -> str:
        """Kept for v1 code; `local` unless it was given."""
        return str(self._said("location") or "local")

    @property
    def sku(self) -> str:
        """Kept for v1 code."""
        return str(self._said("sku") or "basic")

    @property
    def reuse_policy(self) -> ReusePolicy:
        """How results of earlier runs are taken, for pipelines and steps that do not say it themselves."""
        return policies.ReusePolicy._of_data(self.registry().details.get().get(_REUSE))

    def set_reuse_policy(self, policy: ReusePolicy | None) -> None:
        """
        Say how results of earlier runs are taken, for pipelines and steps that do not say it themselves.

        A `max_age` holds for all of them. It counts from now on, for runs that are under way too.

        Args:
            policy: in the place of the one so far; None for the defaults.

        Raises:
            UserErrorException: it is no ReusePolicy, or Airflow is parsing a DAG file.
        """
        where = f"workspace {self._ref.name!r}"
        policies.policy_of_graph(policy, where=where)
        self.registry().details.put({_REUSE: None if policy is None else policy._to_data()})

    @property
    def web_hosts(self) -> tuple[str, ...]:
        """Hosts that datasets may be read from by their web addresses; none in a fresh workspace."""
        settings = self.registry().details.get().get(web_access.WEB_DETAIL)
        return web_access.WebAccess.named(settings).hosts

    def allow_web_hosts(
        self, hosts: Sequence[str], *, max_bytes: int | None = None, max_seconds: float | None = None
    ) -> None:
        """
        Let datasets be read from these hosts by their web addresses, and from no others.

        Args:
            hosts: names, without a scheme; `*.blob.core.windows.net` takes every host below that domain, `*` every host
                with a public address. A host inside this network must be given by its own name. Empty: none.
            max_bytes: of one file; None for 64 GiB.
            max_seconds: for one file; None for an hour.

        Raises:
            UserErrorException: no host name, a limit that is no number above 0, or Airflow is parsing a DAG file.
        """
        settings = web_access.settings_of(hosts, max_bytes=max_bytes, max_seconds=max_seconds)
        self.registry().details.put({web_access.WEB_DETAIL: settings})

    @property
    def tags(self) -> dict[str, str]:
        """The workspace's tags; a copy."""
        tags = self._said("tags")
        return {key: str(value) for key, value in tags.items()} if isinstance(tags, dict) else {}

    def get_details(self) -> dict[str, object]:
        """Return what is known of the workspace, with v1's keys."""
        record, said = self.registry().workspace, self.registry().details.get()
        return {
            "id": record.id,
            "name": record.name,
            "friendlyName": said.get("friendly_name") or record.name,
            "description": said.get("description") or "",
            "location": self.location,
            "type": "Microsoft.MachineLearningServices/workspaces",
            "tags": self.tags,
            "sku": self.sku,
            "workspaceid": record.id,
            "subscriptionId": self._ref.subscription_id,
            "resourceGroup": self._ref.resource_group,
            "creationTime": record.created_at.isoformat(),
            "provisioningState": "Succeeded",
        }

    def update(
        self,
        friendly_name: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        image_build_compute: str | None = None,
        service_managed_resources_settings: object = None,
        primary_user_assigned_identity: str | None = None,
        allow_public_access_when_behind_vnet: bool | None = None,
        v1_legacy_mode: bool | None = None,
    ) -> dict[str, object]:
        """
        Change what is said of the workspace, and return its details; what is None stays.

        Args:
            tags: in place of the tags so far.

        Raises:
            NotSupportedError: an argument about the workspace's resources at Azure.
        """
        azure = {
            "image_build_compute": image_build_compute,
            "service_managed_resources_settings": service_managed_resources_settings,
            "primary_user_assigned_identity": primary_user_assigned_identity,
            "allow_public_access_when_behind_vnet": allow_public_access_when_behind_vnet,
            "v1_legacy_mode": v1_legacy_mode,
        }
        given = sorted(name for name, value in azure.items() if value is not None)
        if given:
            raise NotSupportedError(
                f"workspace {self._ref.name!r}: update of {', '.join(given)} is not supported, it concerns resources "
                "at Azure; friendly_name, description and tags can be changed"
            )
        self._say({"friendly_name": friendly_name, "description": description, "tags": dict(tags) if tags else tags})
        return self.get_details()

    def _say(self, details: Mapping[str, object]) -> None:
        changes: dict[str, Json] = {name: value for name, value in details.items() if value is not None}  # type: ignore[misc]  # text and mappings of text
        self.registry().details.put(changes)
        for name in changes:
            self._given.pop(name, None)

    def get_default_compute_target(self, type: str) -> AmlCompute | None:
        """
        Return the compute target that v1 makes by default for `CPU` or `GPU`, or None if there is none.

        Raises:
            UserErrorException: another type.
        """
        names = {"CPU": self.DEFAULT_CPU_CLUSTER_NAME, "GPU": self.DEFAULT_GPU_CLUSTER_NAME}
        if type.upper() not in names:
            raise UserErrorException(
                f"workspace {self._ref.name!r}: default compute type {type!r} is not 'CPU' or 'GPU'"
            )
        found = self.compute_targets.get(names[type.upper()])
        return found if isinstance(found, amlcompute.AmlCompute) else None

    def get_default_keyvault(self) -> Keyvault:
        """Return the workspace's key vault; it holds no secrets here, and says where to keep them."""
        return keyvault.Keyvault(self)

    def delete(self, delete_dependent_resources: bool = False, no_wait: bool = False) -> None:
        """
        Forget the workspace: everything that is registered, and all runs.

        Args:
            delete_dependent_resources: remove its folder with all files too: datastores, models, artifacts.
            no_wait: has no effect: it is done on return.

        Raises:
            UserErrorException: a run has not ended, or Airflow is parsing a DAG file.
            NotSupportedError: the registry is a database that others may share.
        """
        del no_wait
        refuse_while_parsing(f"deleting workspace {self._ref.name!r}", "do it from a script")
        registries.delete_workspace(self._ref, files=delete_dependent_resources)
