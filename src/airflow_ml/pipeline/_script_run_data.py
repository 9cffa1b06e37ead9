"""
The data that stand in a run configuration itself (`data`, `data_references`, `output_data`), as a script run's ports.

v1 has two forms for each: the object that people make, and the entry of a run configuration's file. Both mean the
same here, so that a configuration that was loaded from a file runs too.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from airflow_ml.core.datastore import Datastore
from airflow_ml.core.runconfig import Data, DataReferenceConfiguration
from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.data.output_dataset_config import OutputDatasetConfig
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.core.runconfig import RunConfiguration
    from airflow_ml.core.workspace import Workspace

__all__ = ["inputs_of", "outputs_of", "without_data"]


def inputs_of(run_config: RunConfiguration, workspace: Workspace) -> list[object]:
    """
    Return the inputs under their keys, which are their names (v1).

    Raises:
        UserErrorException: an entry of another type, or one that names no data.
    """
    datasets = [_dataset(name, item, workspace) for name, item in run_config.data.items()]
    return [*datasets, *(_reference(name, item, workspace) for name, item in run_config.data_references.items())]


def outputs_of(run_config: RunConfiguration) -> list[object]:
    """
    Return the outputs.

    Raises:
        UserErrorException: an entry of another type.
    """
    for name, item in run_config.output_data.items():
        if not isinstance(item, OutputDatasetConfig):
            raise _wrong_kind("output_data", name, item, "an OutputFileDatasetConfig")
    return list(run_config.output_data.values())


def without_data(run_config: RunConfiguration) -> RunConfiguration:
    """Return a copy for what takes its data as ports."""
    plain = copy.copy(run_config)
    plain.data, plain.data_references, plain.output_data = {}, {}, {}
    return plain


def _dataset(name: str, item: object, workspace: Workspace) -> DatasetConsumptionConfig:
    if isinstance(item, DatasetConsumptionConfig):
        return DatasetConsumptionConfig(name, item.dataset, item.mode, item.path_on_compute)
    if not isinstance(item, Data):
        raise _wrong_kind("data", name, item, "a dataset with as_named_input, as_mount or as_download")
    dataset = None if item.data_location is None else item.data_location.dataset
    if dataset is None or not (dataset.id or dataset.name):
        raise UserErrorException(
            f"run configuration: data[{name!r}] names no dataset; put dataset.as_named_input({name!r}) there"
        )
    found = (
        AbstractDataset.get_by_id(workspace, dataset.id)
        if dataset.id
        else AbstractDataset.get_by_name(workspace, str(dataset.name), dataset.version or "latest")
    )
    return DatasetConsumptionConfig(name, found, str(item.mechanism).lower(), item.path_on_compute)


def _reference(name: str, item: object, workspace: Workspace) -> DataReference:
    if isinstance(item, DataReference):
        store, path = item.datastore, item.path_on_datastore
    elif isinstance(item, DataReferenceConfiguration):
        if not item.data_store_name:
            raise UserErrorException(f"run configuration: data_references[{name!r}] names no datastore; name one")
        store, path = Datastore.get(workspace, item.data_store_name), item.path_on_data_store
    else:
        raise _wrong_kind("data_references", name, item, "a DataReference")
    return DataReference(store, name, path, item.mode, item.path_on_compute, item.overwrite)


def _wrong_kind(part: str, name: str, item: object, expected: str) -> UserErrorException:
    return UserErrorException(
        f"run configuration: {part}[{name!r}] is a {type(item).__name__}, expected {expected}; put one there, or"
        " into the arguments"
    )
