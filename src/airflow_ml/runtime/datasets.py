"""Datasets inside a step: definitions whose files the operator stages when the script asks for them."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.runtime.dataset_base import AbstractDataset
from airflow_ml.runtime.file_datasets import FileDataset
from airflow_ml.runtime.tabular_datasets import TabularDataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from airflow_ml.runtime import dataset_factories
    from airflow_ml.runtime.context import Context
    from airflow_ml.runtime.messages import DatasetRecord, Definition, InputData
else:
    dataset_factories = late("airflow_ml.runtime.dataset_factories")

__all__ = [
    "AbstractDataset",
    "Dataset",
    "FileDataset",
    "InputDatasets",
    "OutputDatasets",
    "TabularDataset",
    "consumed",
    "from_record",
]


class _Factory:
    """Gives a factory when it is asked for, so that a script that only reads does not import it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> Any:
        return getattr(dataset_factories, self._name)


class _Scenario:
    """v1's words for what a dataset is to a model."""

    INFERENCING = "inferencing"
    TRAINING = "training"
    VALIDATION = "validation"


class Dataset:
    """Where v1's scripts look datasets up and make them; the objects are FileDataset and TabularDataset."""

    Scenario = _Scenario
    File = _Factory("FileDatasetFactory")
    Tabular = _Factory("TabularDatasetFactory")
    get_all = staticmethod(AbstractDataset.get_all)
    get_by_id = staticmethod(AbstractDataset.get_by_id)
    get_by_name = staticmethod(AbstractDataset.get_by_name)


class _Named(dict):  # type: ignore[type-arg]  # dict[...] cannot be subclassed on Python 3.8
    _what = ""

    def __missing__(self, name: object) -> Any:
        raise KeyError(f"{self._what} {name!r}: this step has {sorted(self)}")


class InputDatasets(_Named):
    """The step's inputs by name: a dataset for a direct one, else the path as text."""

    _what = "input"

    def __init__(self, context: Context) -> None:
        for name, data in context.data["inputs"].items():
            record = data["dataset"] if data["mode"] == "direct" else None
            self[name] = data.get("path") if record is None else from_record(record)


class OutputDatasets(_Named):
    """The paths of the step's declared outputs by name."""

    _what = "output"

    def __init__(self, context: Context) -> None:
        super().__init__({name: declared["path"] for name, declared in context.data["outputs"].items()})


def consumed(inputs: Mapping[str, InputData]) -> list[dict[str, Any]]:
    """Return those of a step's inputs that are datasets, in the form of v1's `get_details()["inputDatasets"]`."""
    details = []
    for name, data in inputs.items():
        if data["dataset"] is not None:
            how = {"type": "RunInput", "inputName": name, "mechanism": data["mode"].capitalize()}
            how["pathOnCompute"] = data.get("path") or ""
            details.append({"dataset": from_record(data["dataset"]), "consumptionDetails": how})
    return details


def from_record(record: DatasetRecord) -> FileDataset | TabularDataset:
    """Return a dataset as the operator sent it."""
    definition: Definition = record["definition"]
    return TabularDataset(record) if definition["kind"] == "tabular" else FileDataset(record)
