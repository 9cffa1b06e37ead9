"""A registered dataset that is named in a DAG file and looked up when the pipeline runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.data.file_dataset import FileDataset
from airflow_ml.data.tabular_dataset import TabularDataset
from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.model import DatasetSource

if TYPE_CHECKING:
    from typing import NoReturn

    from airflow_ml.data._workspace import WorkspaceLike

__all__ = ["DatasetByName", "by_name"]


class DatasetByName(AbstractDataset):
    """
    What `Dataset.get_by_name` gives while Airflow parses a DAG file.

    It can be an input of a step in every mode; whether the name exists and the mode fits is seen in the run.
    """

    def __init__(self) -> None:
        super().__init__()
        self._wanted = "latest"

    @property
    def source(self) -> DatasetSource:
        """The dataset as the graph holds it: its name and version."""
        return DatasetSource(name=self._name, version=self._wanted)

    def ensure_saved(self, workspace: object) -> str:
        """Raise UserErrorException: the id is known in the run only."""
        raise UserErrorException(
            f"dataset {self._name!r}: its id is looked up when the pipeline runs; workspace {workspace!r} is not read "
            "while Airflow parses the DAG file"
        )

    def as_mount(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """Return the dataset as a step's input without an own name, read in place through a path."""
        return DatasetConsumptionConfig(None, self, "mount", path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """Return the dataset as a step's input without an own name, copied before the script starts."""
        return DatasetConsumptionConfig(None, self, "download", path_on_compute)

    def __getattr__(self, name: str) -> NoReturn:
        if hasattr(FileDataset, name) or hasattr(TabularDataset, name):
            raise UserErrorException(
                f"dataset {self.__dict__.get('_name')!r}: {name} needs the definition, which is looked up in the run; "
                "while Airflow parses the DAG file only the name is known, so do it in a step, or define the dataset "
                "in the file"
            )
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def by_name(workspace: WorkspaceLike, name: str, version: int | str) -> AbstractDataset:
    """
    Return a dataset that is looked up in the run.

    Raises:
        UserErrorException: a version that is neither a number nor `latest`.
    """
    wanted = str(version)
    if wanted != "latest" and not wanted.isdecimal():
        raise UserErrorException(f"dataset {name!r}: version {version!r} is neither a number nor 'latest'")
    dataset = DatasetByName()._with_registration(name=name, workspace=workspace, wanted=wanted)
    return dataset if wanted == "latest" else dataset._with_registration(version=int(wanted))
