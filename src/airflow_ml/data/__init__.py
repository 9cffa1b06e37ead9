"""
Datasets, references to data, and outputs of steps: the module `azureml.data` of the v1 SDK.

Names are imported at their first use, because every DAG file imports this package.
"""

from __future__ import annotations

from airflow_ml._exports import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.data.dataset_factory import DataType
    from airflow_ml.data.file_dataset import FileDataset
    from airflow_ml.data.output_dataset_config import OutputFileDatasetConfig
    from airflow_ml.data.tabular_dataset import TabularDataset

__all__ = ["DataType", "FileDataset", "OutputFileDatasetConfig", "TabularDataset"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "DataType": "dataset_factory",
        "FileDataset": "file_dataset",
        "OutputFileDatasetConfig": "output_dataset_config",
        "TabularDataset": "tabular_dataset",
    },
    (
        "abstract_dataset",
        "abstract_datastore",
        "azure_storage_datastore",
        "data_reference",
        "datapath",
        "dataset_consumption_config",
        "dataset_factory",
        "dataset_type_definitions",
        "file_dataset",
        "output_dataset_config",
        "tabular_dataset",
    ),
)
