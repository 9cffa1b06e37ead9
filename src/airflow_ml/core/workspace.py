"""The home of everything named: stores, computes, datasets, environments, experiments, models."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.core._caller import is_parsing_dag
from airflow_ml.core._workspace_cloud import CloudSide
from airflow_ml.core._workspace_details import DescribedWorkspace
from airflow_ml.data._workspace import refuse_while_parsing
from airflow_ml.exceptions import UserErrorException, WorkspaceException
from airflow_ml.graph.model import WorkspaceRef

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from airflow_ml import registry as registries
    from airflow_ml.core import _collections, _config_file
    from airflow_ml.core import run as core_run
    from airflow_ml.core.compute import compute
    from airflow_ml.core.compute.compute import ComputeTarget, ProvisioningConfiguration
    from airflow_ml.core.environment import Environment
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.core.model import Model
    from airflow_ml.core.run import Run
    from airflow_ml.data.abstract_dataset import AbstractDataset
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.data.azure_storage_datastore import AbstractAzureStorageDatastore
    from airflow_ml.graph.model import ComputeDeclaration, Json
    from airflow_ml.registry import Registry
else:
    _collections = late("airflow_ml.core._collections")
    compute = late("airflow_ml.core.compute.compute")
    _config_file = late("airflow_ml.core._config_file")
    registries = late("airflow_ml.registry")
    core_run = late("airflow_ml.core.run")

__all__ = ["WORKSPACE_DEFAULT_BLOB_STORE_NAME", "Workspace"]

#: v1's name of the datastore that is the default of a fresh workspace.
WORKSPACE_DEFAULT_BLOB_STORE_NAME = "workspaceblobstore"

#: Written here because inside the class `list` is v1's method.
_WorkspacesByName: TypeAlias = "dict[str, list[Workspace]]"


class Workspace(DescribedWorkspace, CloudSide):
    """
    A workspace, by name. Making the object opens nothing; the registry is opened when something is asked of it.

    By default a workspace is a folder of this machine; with `registry_url` in its configuration file, or
    `AIRFLOW_ML_REGISTRY` in the environment, it is a database that machines share. Subscription and resource group
    are kept and shown, and have no other meaning. While Airflow parses a DAG file the registry is never opened:
    names are taken as they are and looked up in the run, and computes that the file creates are recorded.

    Args:
        auth: accepted and not used: whoever can open the registry may use it.
    """

    def __init__(
        self,
        subscription_id: str | None,
        resource_group: str | None,
        workspace_name: str,
        auth: object = None,
        _location: str | None = None,
        _disable_service_check: bool = False,
        _workspace_id: str | None = None,
        sku: str = "basic",
        tags: Mapping[str, str] | None = None,
        _cloud: str = "AzureCloud",
    ) -> None:
        del auth, _disable_service_check, _workspace_id, _cloud
        self._open_as(WorkspaceRef(workspace_name, subscription_id, resource_group), _location, sku, tags)

    def _open_as(
        self,
        ref: WorkspaceRef,
        location: str | None = None,
        sku: str = "basic",
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self._ref = ref
        self._given: dict[str, Json] = {"location": location, "sku": sku, "tags": dict(tags) if tags else None}
        self._compute_declarations: list[ComputeDeclaration] = []

    @classmethod
    def from_ref(cls, ref: WorkspaceRef) -> Workspace:
        """Return the workspace that a graph names."""
        workspace = cls.__new__(cls)
        workspace._open_as(ref)
        return workspace

    @staticmethod
    def from_config(
        path: str | None = None, auth: object = None, _logger: object = None, _file_name: str | None = None
    ) -> Workspace:
        """
        Return the workspace that a `config.json` names; only that file is read.

        Looked for in `.azureml`, `aml_config` and the folder itself, from the folder of the DAG file that is being
        parsed, or the current one, up to the root.

        Args:
            path: a file, or the folder to start from.
            auth: accepted and not used.

        Raises:
            UserErrorException: there is no such file, or it cannot be read.
        """
        del auth, _logger
        return Workspace.from_ref(_config_file.read_config(_config_file.find_config(path, _file_name)))

    @staticmethod
    def create(
        name: str,
        auth: object = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        create_resource_group: bool = True,
        sku: str = "basic",
        tags: Mapping[str, str] | None = None,
        friendly_name: str | None = None,
        storage_account: str | None = None,
        key_vault: str | None = None,
        app_insights: str | None = None,
        container_registry: str | None = None,
        adb_workspace: str | None = None,
        primary_user_assigned_identity: str | None = None,
        cmk_keyvault: str | None = None,
        resource_cmk_uri: str | None = None,
        hbi_workspace: bool = False,
        default_cpu_compute_target: ProvisioningConfiguration | None = None,
        default_gpu_compute_target: ProvisioningConfiguration | None = None,
        private_endpoint_config: object = None,
        private_endpoint_auto_approval: bool = True,
        exist_ok: bool = False,
        show_output: bool = True,
        user_assigned_identity_for_cmk_encryption: str | None = None,
        system_datastores_auth_mode: str = "accessKey",
        v1_legacy_mode: bool | None = None,
    ) -> Workspace:
        """
        Make a workspace with its four datastores and return it.

        Args:
            location: kept and shown, like `sku`, `tags` and `friendly_name`.
            default_cpu_compute_target: how the compute target `cpu-cluster` shall be; made if given.
            default_gpu_compute_target: the same for `gpu-cluster`.
            exist_ok: return a workspace that is there, as it is, instead of raising.
            show_output: say where it is.
            auth: has no effect, like `create_resource_group`, `hbi_workspace`, `private_endpoint_auto_approval`,
                `system_datastores_auth_mode` and `v1_legacy_mode`: they say how Azure makes what is not made here.

        Raises:
            WorkspaceException: it exists, and `exist_ok` is False.
            UserErrorException: an argument that names an Azure resource, none of which is used.
        """
        _refuse_azure_resources(
            storage_account=storage_account,
            key_vault=key_vault,
            app_insights=app_insights,
            container_registry=container_registry,
            adb_workspace=adb_workspace,
            primary_user_assigned_identity=primary_user_assigned_identity,
            cmk_keyvault=cmk_keyvault,
            resource_cmk_uri=resource_cmk_uri,
            private_endpoint_config=private_endpoint_config,
            user_assigned_identity_for_cmk_encryption=user_assigned_identity_for_cmk_encryption,
        )
        del auth, create_resource_group, hbi_workspace, private_endpoint_auto_approval
        del system_datastores_auth_mode, v1_legacy_mode
        workspace = Workspace(subscription_id, resource_group, name)
        if _make(workspace, exist_ok=exist_ok, show_output=show_output):
            tags = dict(tags) if tags else None
            workspace._say({"location": location, "sku": sku, "tags": tags, "friendly_name": friendly_name})
            for compute_name, configuration in (
                (Workspace.DEFAULT_CPU_CLUSTER_NAME, default_cpu_compute_target),
                (Workspace.DEFAULT_GPU_CLUSTER_NAME, default_gpu_compute_target),
            ):
                if configuration is not None:
                    compute.ComputeTarget.create(workspace, compute_name, configuration)
        return workspace

    @staticmethod
    def get(
        name: str,
        auth: object = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        cloud: str = "AzureCloud",
        id: str | None = None,
    ) -> Workspace:
        """
        Return a workspace that exists. While Airflow parses a DAG file this is not looked up.

        Args:
            auth: has no effect, like `cloud` and `id`: a workspace is found by its name.

        Raises:
            WorkspaceException: there is none of that name.
        """
        del auth, cloud, id
        workspace = Workspace(subscription_id, resource_group, name, _location=location)
        if not is_parsing_dag() and not _exists(workspace.ref):
            raise WorkspaceException(
                f"workspace {name!r}: does not exist; make it with Workspace.create({name!r}), or correct the name"
            )
        return workspace

    @staticmethod
    def list(subscription_id: str | None, auth: object = None, resource_group: str | None = None) -> _WorkspacesByName:
        """
        Return the workspaces under this machine's home folder, by name.

        Args:
            subscription_id: given to the objects; not a filter.
            resource_group: given to the objects; not a filter.
        """
        del auth
        refuse_while_parsing("Workspace.list", "name the workspace, or use Workspace.from_config()")
        names = _collections.workspace_names()
        return {name: [Workspace(subscription_id, resource_group, name)] for name in names}

    def write_config(self, path: str | None = None, file_name: str | None = None) -> None:
        """
        Write `.azureml/config.json`, which `from_config` finds.

        Args:
            path: the folder that gets `.azureml`; default: the current one.
        """
        _config_file.write_config(self._ref, path, file_name)

    @property
    def ref(self) -> WorkspaceRef:
        """What another process needs to open the same workspace."""
        return self._ref

    def registry(self) -> Registry:
        """
        Return the opened registry, the same one for the whole process.

        Raises:
            UserErrorException: Airflow is parsing a DAG file.
        """
        refuse_while_parsing(
            f"workspace {self.name!r}: what was asked of it",
            "do it in a task or a script, or name things without looking them up",
        )
        return registries.open_shared(self._ref)

    @property
    def name(self) -> str:  # type: ignore[override]  # the mixin only reads it
        """The workspace's name."""
        return self._ref.name

    @property
    def subscription_id(self) -> str | None:
        """Kept for v1 code."""
        return self._ref.subscription_id

    @property
    def resource_group(self) -> str | None:
        """Kept for v1 code."""
        return self._ref.resource_group

    @property
    def datastores(self) -> Mapping[str, AbstractDatastore]:
        """The datastores, by name."""
        return _collections.datastores(self)

    @property
    def datasets(self) -> Mapping[str, AbstractDataset]:
        """The newest version of each registered dataset, by name."""
        return _collections.datasets(self)

    @property
    def compute_targets(self) -> Mapping[str, ComputeTarget]:
        """
        The compute targets, by name.

        While Airflow parses a DAG file: those that the file has created; another name gives a target that is looked
        up in the run.
        """
        return _collections.compute_targets(self)

    @property
    def environments(self) -> Mapping[str, Environment]:
        """The newest version of each registered environment, by name."""
        return _collections.environments(self)

    @property
    def experiments(self) -> Mapping[str, Experiment]:
        """The experiments, by name."""
        return _collections.experiments(self)

    @property
    def models(self) -> Mapping[str, Model]:
        """The newest version of each registered model, by name."""
        return _collections.models(self)

    def get_default_datastore(self) -> AbstractAzureStorageDatastore:
        """
        Return the default datastore.

        While Airflow parses a DAG file this is `workspaceblobstore`, the default of a fresh workspace.
        """
        return _collections.default_datastore(self)

    def set_default_datastore(self, name: str) -> None:
        """Make another datastore the default; raises UserErrorException if there is none of that name."""
        self.registry().datastores.set_default(name)

    def get_run(self, run_id: str) -> Run:
        """Return any run of the workspace by its id."""
        return core_run.Run.get(self, run_id)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Workspace) and self._ref == other._ref

    def __hash__(self) -> int:
        return hash(self._ref)

    def __repr__(self) -> str:
        return (
            f"Workspace.create(name={self.name!r}, subscription_id={self.subscription_id!r}, "
            f"resource_group={self.resource_group!r})"
        )


def _refuse_azure_resources(**resources: object) -> None:
    given = sorted(name for name, value in resources.items() if value is not None)
    if given:
        raise UserErrorException(
            f"Workspace.create: {', '.join(given)} name Azure resources, which a workspace here does not use; leave "
            "them out"
        )


def _exists(ref: WorkspaceRef) -> bool:
    try:
        registries.open_shared(ref, create=False)
    except WorkspaceException:
        return False
    return True


def _make(workspace: Workspace, *, exist_ok: bool, show_output: bool) -> bool:
    """Make the workspace and return whether it is new."""
    refuse_while_parsing(f"Workspace.create({workspace.name!r})", "create it once, from a script or the command line")
    is_there = _exists(workspace.ref)
    if is_there and not exist_ok:
        raise WorkspaceException(
            f"workspace {workspace.name!r}: exists already; use Workspace.get({workspace.name!r}), or exist_ok=True"
        )
    workspace.registry()
    if show_output:
        state = "is there" if is_there else "created"
        print(f"workspace {workspace.name} {state}")  # noqa: T201 - v1's show_output
    return not is_there
