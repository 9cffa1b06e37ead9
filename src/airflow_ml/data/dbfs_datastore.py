"""The Databricks file system (`azureml.data.dbfs_datastore`); it cannot be registered."""

from __future__ import annotations

from airflow_ml.data.abstract_datastore import AbstractDatastore

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.data._workspace import WorkspaceLike

__all__ = ["DBFSDatastore"]


class DBFSDatastore(AbstractDatastore):
    """The file system of a Databricks workspace."""

    def __init__(self, workspace: WorkspaceLike, name: str) -> None:
        super().__init__(workspace, name, "DBFS")
