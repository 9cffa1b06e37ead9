"""The name space for making and finding datasets (`azureml.core.dataset`)."""

from __future__ import annotations

from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.dataset_factory import FileDatasetFactory, TabularDatasetFactory
from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import ClassVar

    from airflow_ml.core.workspace import Workspace

__all__ = ["Dataset"]


class _NoOldDatasets(type):
    """Answers for the members of v1's deprecated dataset class with the way out."""

    def __getattr__(cls, name: str) -> object:
        if name in _OLD_MEMBERS:
            raise NotSupportedError(
                f"Dataset.{name}: the deprecated dataset class of v1 is not supported; define data with Dataset.File "
                "or Dataset.Tabular"
            )
        raise AttributeError(f"type object 'Dataset' has no attribute {name!r}")


class Dataset(metaclass=_NoOldDatasets):
    """
    Makes datasets (`Dataset.File`, `Dataset.Tabular`) and finds them.

    The objects are FileDataset and TabularDataset; there are no instances of this class.
    """

    File: ClassVar[type[FileDatasetFactory]] = FileDatasetFactory
    Tabular: ClassVar[type[TabularDatasetFactory]] = TabularDatasetFactory

    def __init__(
        self, definition: object, workspace: object = None, name: str | None = None, id: object = None
    ) -> None:
        raise NotSupportedError(
            f"Dataset({definition!r}, {workspace!r}, {name!r}, {id!r}): the deprecated dataset class of v1 is not "
            "supported; define data with Dataset.File or Dataset.Tabular"
        )

    @staticmethod
    def get_by_name(
        workspace: Workspace, name: str, version: int | str = "latest", **kwargs: object
    ) -> AbstractDataset:
        """Return a registered dataset; see `AbstractDataset.get_by_name`."""
        return AbstractDataset.get_by_name(workspace, name, version, **kwargs)

    @staticmethod
    def get_by_id(workspace: Workspace, id: str, **kwargs: object) -> AbstractDataset:
        """Return a saved dataset; see `AbstractDataset.get_by_id`."""
        return AbstractDataset.get_by_id(workspace, id, **kwargs)

    @staticmethod
    def get_all(workspace: Workspace) -> Mapping[str, AbstractDataset]:
        """Return the newest version of every registered dataset, by name."""
        return AbstractDataset.get_all(workspace)


_OLD_MEMBERS = frozenset(
    [
        "Scenario",
        "archive",
        "auto_read_files",
        "compare_profiles",
        "create_snapshot",
        "delete_snapshot",
        "deprecate",
        "diff",
        "from_binary_files",
        "from_delimited_files",
        "from_excel_files",
        "from_json_files",
        "from_pandas_dataframe",
        "from_parquet_files",
        "from_sql_query",
        "generate_profile",
        "get",
        "get_all_snapshots",
        "get_definition",
        "get_definitions",
        "get_profile",
        "get_snapshot",
        "head",
        "list",
        "reactivate",
        "register",
        "sample",
        "to_pandas_dataframe",
        "to_spark_dataframe",
        "update",
        "update_definition",
    ]
)
