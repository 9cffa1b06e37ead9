"""A registered dataset that is named in a DAG file and looked up when the pipeline runs."""

from __future__ import annotations

from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.data.file_dataset import unnamed_input
from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.model import DatasetSource

__all__ = ["DatasetByName"]


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
        return unnamed_input(self, "mount", path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """Return the dataset as a step's input without an own name, copied before the script starts."""
        return unnamed_input(self, "download", path_on_compute)
