"""`Datastore` inside a step: a named place for files, read and written by way of the operator."""

from __future__ import annotations

import os

from airflow_ml.exceptions import UserErrorException
from airflow_ml.runtime import context as contexts
from airflow_ml.runtime.artifacts import files_below, offered
from airflow_ml.runtime.references import DataReference
from airflow_ml.runtime.unavailable import WorkspaceSide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ml.runtime.context import Context
    from airflow_ml.runtime.messages import DatastoreRecord
    from airflow_ml.runtime.workspace import Workspace

__all__ = ["Datastore"]


class Datastore(WorkspaceSide):
    """
    A named place for files, read and written by the operator, which has the credentials.

    Args:
        name: the workspace's default datastore otherwise.

    Raises:
        UserErrorException: there is no datastore of that name.
    """

    _elsewhere = (
        "as_download",
        "as_mount",
        "as_upload",
        "register_azure_blob_container",
        "register_azure_data_lake",
        "register_azure_data_lake_gen2",
        "register_azure_file_share",
        "register_azure_my_sql",
        "register_azure_postgre_sql",
        "register_azure_sql_database",
        "register_dbfs",
        "register_hdfs",
        "set_as_default",
        "unregister",
    )

    def __init__(self, workspace: Workspace, name: str | None = None) -> None:
        self._context = contexts.required("Datastore")
        self.workspace = workspace
        self._fill(_record(self._context, name))

    def _fill(self, record: DatastoreRecord) -> None:
        self.name = record["name"]
        self.datastore_type = record["type"]
        self.is_default = record["is_default"]

    def __repr__(self) -> str:
        return f"Datastore(name={self.name!r}, type={self.datastore_type!r})"

    @staticmethod
    def _all(workspace: Workspace) -> dict[str, Datastore]:
        """Return the workspace's datastores by name."""
        context = contexts.required("Workspace.datastores")
        found: dict[str, Datastore] = {}
        for record in context.request("datastore.list"):
            store = Datastore.__new__(Datastore)
            store._context, store.workspace = context, workspace
            store._fill(record)
            found[store.name] = store
        return found

    @staticmethod
    def get(workspace: Workspace, datastore_name: str) -> Datastore:
        """Return a datastore by name."""
        return Datastore(workspace, datastore_name)

    @staticmethod
    def get_default(workspace: Workspace) -> Datastore:
        """Return the workspace's default datastore."""
        return Datastore(workspace)

    def path(self, path: str | None = None, data_reference_name: str | None = None) -> DataReference:
        """Return a reference to a place on the datastore; the whole of it by default."""
        return DataReference(self, data_reference_name, path)

    def upload(
        self, src_dir: str, target_path: str | None = None, overwrite: bool = False, show_progress: bool = True
    ) -> DataReference:
        """
        Copy every file below a folder to target_path on the datastore.

        Args:
            overwrite: write over files that are there; they are left as they are otherwise.
            show_progress: not used: the operator's log has the progress.

        Raises:
            UserErrorException: the folder is not there.
        """
        return self._send([*files_below(src_dir)], target_path, overwrite)

    def upload_files(
        self,
        files: Sequence[str],
        relative_root: str | None = None,
        target_path: str | None = None,
        overwrite: bool = False,
        show_progress: bool = True,
    ) -> DataReference:
        """
        Copy named files to target_path on the datastore.

        Args:
            relative_root: their folders below it are kept; None is the folder that all files share, as in v1.

        Raises:
            UserErrorException: no files are named, one is not there, or it is not below relative_root.
        """
        missing = [path for path in files if not os.path.isfile(path)]
        if missing or not files:
            raise UserErrorException(f"datastore {self.name!r}: no files {missing!r} in {os.getcwd()!r}")
        places = [os.path.abspath(path) for path in files]
        root = os.path.abspath(relative_root or os.path.commonpath([os.path.dirname(place) for place in places]))
        pairs = [(place, os.path.relpath(place, root)) for place in places]
        outside = [place for place, relative in pairs if relative.split(os.sep)[0] == os.pardir]
        if outside:
            raise UserErrorException(f"datastore {self.name!r}: {outside[0]!r} is not below relative_root {root!r}")
        return self._send(pairs, target_path, overwrite)

    def _send(self, pairs: Sequence[tuple[str, str]], target_path: str | None, overwrite: bool) -> DataReference:
        prefix = (target_path or "").strip("/")
        files = [[offered(self._context, path), f"{prefix}/{relative}".lstrip("/")] for path, relative in pairs]
        self._context.request("datastore.upload", datastore=self.name, files=files, overwrite=overwrite)
        return self.path(prefix or None)

    def download(
        self, target_path: str, prefix: str | None = None, overwrite: bool = False, show_progress: bool = True
    ) -> int:
        """
        Copy the files whose path begins with the prefix below target_path, with their whole path on the datastore.

        Args:
            overwrite: write over files that are there; they are left as they are otherwise.

        Returns:
            How many files were copied.
        """
        return self._fetch(target_path, prefix or "", overwrite=overwrite)

    def _fetch(self, target_path: str, prefix: str, *, overwrite: bool, exact: bool = False) -> int:
        """Copy files; only the one of that very path if `exact`."""
        target = os.path.abspath(target_path)
        if not self._context.directory.contains(target):
            # The operator of a container sees nothing of it but the run directory.
            target = os.path.join(self._context.directory.requests, os.urandom(12).hex())
        os.makedirs(target, exist_ok=True)
        params = {"prefix": prefix, "target": target, "overwrite": overwrite, "exact": exact}
        count: int = self._context.request("datastore.download", datastore=self.name, **params)["count"]
        return count if target == os.path.abspath(target_path) else _move(target, target_path, overwrite)


def _record(context: Context, name: str | None) -> DatastoreRecord:
    records: list[DatastoreRecord] = context.request("datastore.list")
    for record in records:
        if record["name"] == name or (name is None and record["is_default"]):
            return record
    raise UserErrorException(
        f"datastore {name or 'default'!r}: not in the workspace; it has {sorted(record['name'] for record in records)}"
    )


def _move(source: str, target: str, overwrite: bool) -> int:
    """Move files to where they shall be and return how many there were."""
    import shutil  # costs 5 ms, and only downloads need it

    count = 0
    for path, relative in files_below(source):
        wanted = os.path.join(target, relative)
        if overwrite or not os.path.exists(wanted):
            os.makedirs(os.path.dirname(os.path.abspath(wanted)), exist_ok=True)
            shutil.move(path, wanted)
            count += 1
    shutil.rmtree(source, ignore_errors=True)
    return count
