"""`Workspace` inside a step: the one that its run belongs to, by way of the operator."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.exceptions import WorkspaceException
from airflow_ml.runtime import context as contexts
from airflow_ml.runtime.unavailable import WorkspaceSide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from airflow_ml.runtime import computes, datasets, experiments, keyvault, models, run
    from airflow_ml.runtime import datastores as stores
    from airflow_ml.runtime.context import Context
    from airflow_ml.runtime.messages import WorkspaceRecord
else:
    computes = late("airflow_ml.runtime.computes")
    datasets = late("airflow_ml.runtime.datasets")
    stores = late("airflow_ml.runtime.datastores")
    experiments = late("airflow_ml.runtime.experiments")
    keyvault = late("airflow_ml.runtime.keyvault")
    models = late("airflow_ml.runtime.models")
    run = late("airflow_ml.runtime.run")

__all__ = ["Workspace"]


class Workspace(WorkspaceSide):
    """
    The workspace of this step's run; a script can reach no other.

    Args:
        auth: not used, as are the other arguments but the first three: the operator has the identity.

    Raises:
        WorkspaceException: another workspace's name is given.
    """

    _elsewhere = (
        "add_private_endpoint",
        "create",
        "delete",
        "delete_connection",
        "delete_private_endpoint_connection",
        "diagnose_workspace",
        "discovery_url",
        "environments",
        "get_connection",
        "get_default_compute_target",
        "get_mlflow_tracking_uri",
        "images",
        "linked_services",
        "list",
        "list_connections",
        "list_keys",
        "private_endpoints",
        "service_context",
        "set_connection",
        "set_default_datastore",
        "setup",
        "sync_keys",
        "update",
        "update_dependencies",
        "webservices",
        "write_config",
    )

    def __init__(
        self,
        subscription_id: str | None,
        resource_group: str | None,
        workspace_name: str,
        auth: Any = None,
        _location: str | None = None,
        _disable_service_check: bool = False,
        _workspace_id: str | None = None,
        sku: str = "basic",
        tags: Any = None,
        _cloud: str = "AzureCloud",
    ) -> None:
        self._context = contexts.required("Workspace")
        own = self._context.data["workspace"]
        if workspace_name != own["name"]:
            raise WorkspaceException(
                f"workspace {workspace_name!r}: a step can reach its own workspace {own['name']!r} alone; pass what "
                "the script needs of another one as an input or argument"
            )
        self.name = own["name"]
        self.subscription_id = own["subscription_id"]
        self.resource_group = own["resource_group"]
        self.sku = sku

    def __repr__(self) -> str:
        return f"Workspace(name={self.name!r})"

    @staticmethod
    def _of(context: Context) -> Workspace:
        own = context.data["workspace"]
        return Workspace(own["subscription_id"], own["resource_group"], own["name"])

    @staticmethod
    def from_config(
        path: str | None = None, auth: Any = None, _logger: Any = None, _file_name: Any = None
    ) -> Workspace:
        """Return this step's workspace; no file is read."""
        return Workspace._of(contexts.required("Workspace.from_config"))

    @staticmethod
    def get(
        name: str,
        auth: Any = None,
        subscription_id: str | None = None,
        resource_group: str | None = None,
        location: str | None = None,
        cloud: str = "AzureCloud",
        id: str | None = None,  # noqa: A002 - v1's name
    ) -> Workspace:
        """Return this step's workspace; raises WorkspaceException for another name."""
        return Workspace(None, None, name)._of(contexts.required("Workspace.get"))

    @property
    def location(self) -> str | None:
        """Where v1 would have kept it, as it was written down when it was created."""
        return self._record().get("location")

    @property
    def tags(self) -> dict[str, str]:
        """The workspace's tags."""
        return dict(self._record().get("tags") or {})

    @property
    def datastores(self) -> dict[str, stores.Datastore]:
        """The registered datastores by name."""
        return stores.Datastore._all(self)

    @property
    def datasets(self) -> dict[str, datasets.FileDataset | datasets.TabularDataset]:
        """The newest version of each registered dataset by name."""
        return datasets.Dataset.get_all(self)

    @property
    def models(self) -> dict[str, models.Model]:
        """The newest version of each registered model by name."""
        return {model.name: model for model in models.Model.list(self, latest=True)}

    @property
    def experiments(self) -> dict[str, experiments.Experiment]:
        """The experiments that are not archived, by name."""
        return {experiment.name: experiment for experiment in experiments.Experiment.list(self)}

    @property
    def compute_targets(self) -> dict[str, computes.ComputeTarget]:
        """The compute targets by name, to be read alone."""
        return computes.ComputeTarget._all(self)

    def get_default_datastore(self) -> stores.Datastore:
        """Return the workspace's default datastore."""
        return stores.Datastore(self)

    def get_default_keyvault(self) -> keyvault.Keyvault:
        """Return where secrets are read by name."""
        return keyvault.Keyvault(self)

    def get_details(self) -> dict[str, Any]:
        """Return the workspace's record."""
        return dict(self._record())

    def get_run(self, run_id: str) -> run.Run:
        """Return a run of the workspace by id; raises what the operator says if there is none."""
        return run.Run.get(self, run_id)

    def _record(self) -> WorkspaceRecord:
        record: WorkspaceRecord = self._context.request("workspace.get")
        return record
