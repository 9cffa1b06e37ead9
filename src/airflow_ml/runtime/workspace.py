"""`Workspace`, `Experiment` and `Datastore` inside a step, by way of the operator."""

from __future__ import annotations

import os

from airflow_ml.exceptions import UserErrorException, WorkspaceException
from airflow_ml.runtime import context as contexts
from airflow_ml.runtime.artifacts import files_below, offered
from airflow_ml.runtime.datasets import Dataset, FileDataset, TabularDataset
from airflow_ml.runtime.models import Model
from airflow_ml.runtime.unavailable import WorkspaceSide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from airflow_ml.runtime.context import Context
    from airflow_ml.runtime.messages import DatastoreRecord, WorkspaceRecord

__all__ = ["Datastore", "Experiment", "Workspace"]


class Workspace(WorkspaceSide):
    """
    The workspace of this step's run; a script can reach no other.

    Raises:
        WorkspaceException: another workspace's name is given.
    """

    _elsewhere = (
        "compute_targets",
        "delete",
        "environments",
        "experiments",
        "get_default_compute_target",
        "get_default_keyvault",
        "get_mlflow_tracking_uri",
        "get_run",
        "linked_services",
        "set_default_datastore",
        "update",
        "webservices",
        "write_config",
    )

    def __init__(
        self, subscription_id: str | None, resource_group: str | None, workspace_name: str, *args: Any, **kwargs: Any
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
    def get(name: str, auth: Any = None, *args: Any, **kwargs: Any) -> Workspace:
        """Return this step's workspace; raises WorkspaceException for another name."""
        return Workspace(None, None, name)._of(contexts.required("Workspace.get"))

    @property
    def location(self) -> str | None:
        """Where v1 would have kept it, as it was written down when it was created."""
        record: WorkspaceRecord = self._context.request("workspace.get")
        return record.get("location")

    @property
    def tags(self) -> dict[str, str]:
        """The workspace's tags."""
        record: WorkspaceRecord = self._context.request("workspace.get")
        return dict(record.get("tags") or {})

    @property
    def datastores(self) -> dict[str, Datastore]:
        """The registered datastores by name."""
        records: list[DatastoreRecord] = self._context.request("datastore.list")
        return {record["name"]: Datastore(self, record["name"], _record=record) for record in records}

    @property
    def datasets(self) -> dict[str, FileDataset | TabularDataset]:
        """The newest version of each registered dataset by name."""
        return Dataset.get_all(self)

    @property
    def models(self) -> dict[str, Model]:
        """The newest version of each registered model by name."""
        return {model.name: model for model in Model.list(self, latest=True)}

    def get_default_datastore(self) -> Datastore:
        """Return the workspace's default datastore."""
        return Datastore(self)

    def get_details(self) -> dict[str, Any]:
        """Return the workspace's record."""
        return dict(self._context.request("workspace.get"))


class Experiment(WorkspaceSide):
    """A name for runs that belong together."""

    _elsewhere = ("archive", "get_runs", "list", "remove_tags", "set_tags", "start_logging", "submit", "tag", "tags")

    def __init__(self, workspace: Workspace, name: str, **kwargs: Any) -> None:
        self.workspace = workspace
        self.workspace_object = workspace
        self.name = name

    @property
    def id(self) -> str | None:
        """The experiment's id, known for that of this step's run."""
        own = contexts.required("Experiment.id").data["run"]
        return own["experiment_id"] if own["experiment"] == self.name else None

    def __repr__(self) -> str:
        return f"Experiment(Name: {self.name}, Workspace: {self.workspace.name})"


class Datastore(WorkspaceSide):
    """
    A named place for files, read and written by the operator, which has the credentials.

    Args:
        name: the workspace's default datastore otherwise.

    Raises:
        UserErrorException: there is no datastore of that name.
    """

    _elsewhere = ("as_download", "as_mount", "as_upload", "path", "set_as_default", "unregister")

    def __init__(self, workspace: Workspace, name: str | None = None, **kwargs: Any) -> None:
        self._context = contexts.required("Datastore")
        self.workspace = workspace
        record: DatastoreRecord = kwargs.get("_record") or _record(self._context, name)
        self.name = record["name"]
        self.datastore_type = record["type"]

    def __repr__(self) -> str:
        return f"Datastore(name={self.name!r}, type={self.datastore_type!r})"

    @staticmethod
    def get(workspace: Workspace, datastore_name: str) -> Datastore:
        """Return a datastore by name."""
        return Datastore(workspace, datastore_name)

    @staticmethod
    def get_default(workspace: Workspace) -> Datastore:
        """Return the workspace's default datastore."""
        return Datastore(workspace)

    def upload(
        self, src_dir: str, target_path: str | None = None, overwrite: bool = False, show_progress: bool = True
    ) -> None:
        """
        Copy every file below a folder to target_path on the datastore.

        Args:
            overwrite: write over files that are there; they are left as they are otherwise.
            show_progress: not used: the operator's log has the progress.

        Raises:
            UserErrorException: the folder is not there.
        """
        self._send([(path, relative) for path, relative in files_below(src_dir)], target_path, overwrite)

    def upload_files(
        self,
        files: Sequence[str],
        relative_root: str | None = None,
        target_path: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> None:
        """
        Copy named files to target_path on the datastore.

        Args:
            relative_root: their folders below it are kept; by default each goes directly into target_path.

        Raises:
            UserErrorException: a file is not there.
        """
        missing = [path for path in files if not os.path.isfile(path)]
        if missing:
            raise UserErrorException(f"datastore {self.name!r}: no files {missing!r} in {os.getcwd()!r}")
        pairs = [
            (path, os.path.relpath(path, relative_root) if relative_root else os.path.basename(path)) for path in files
        ]
        self._send(pairs, target_path, overwrite)

    def _send(self, pairs: Sequence[tuple[str, str]], target_path: str | None, overwrite: bool) -> None:
        prefix = (target_path or "").strip("/")
        files = [[offered(self._context, path), f"{prefix}/{relative}".lstrip("/")] for path, relative in pairs]
        self._context.request("datastore.upload", datastore=self.name, files=files, overwrite=overwrite)

    def download(
        self, target_path: str, prefix: str | None = None, overwrite: bool = False, show_progress: bool = True
    ) -> int:
        """
        Copy the files whose path begins with the prefix below target_path, with their whole path on the datastore.

        Args:
            overwrite: write over files that are there; they are left as they are otherwise.

        Returns:
            How many files the datastore has under the prefix.
        """
        target = os.path.abspath(target_path)
        if not self._context.directory.contains(target):
            # The operator of a container sees nothing of it but the run directory.
            target = os.path.join(self._context.directory.requests, os.urandom(12).hex())
        os.makedirs(target, exist_ok=True)
        params = {"datastore": self.name, "prefix": prefix or "", "target": target, "overwrite": overwrite}
        count: int = self._context.request("datastore.download", **params)["count"]
        if target != os.path.abspath(target_path):
            _move(target, target_path, overwrite)
        return count


def _record(context: Context, name: str | None) -> DatastoreRecord:
    records: list[DatastoreRecord] = context.request("datastore.list")
    for record in records:
        if record["name"] == name or (name is None and record["is_default"]):
            return record
    raise UserErrorException(
        f"datastore {name or 'default'!r}: not in the workspace; it has {sorted(record['name'] for record in records)}"
    )


def _move(source: str, target: str, overwrite: bool) -> None:
    import shutil  # costs 5 ms, and only downloads need it

    for path, relative in files_below(source):
        wanted = os.path.join(target, relative)
        if overwrite or not os.path.exists(wanted):
            os.makedirs(os.path.dirname(os.path.abspath(wanted)), exist_ok=True)
            shutil.move(path, wanted)
    shutil.rmtree(source, ignore_errors=True)
