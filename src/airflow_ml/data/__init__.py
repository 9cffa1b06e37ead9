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
    from airflow_ml.data.output_dataset_config import (
        HDFSOutputDatasetConfig,
        LinkFileOutputDatasetConfig,
        LinkTabularOutputDatasetConfig,
        OutputFileDatasetConfig,
    )
    from airflow_ml.data.tabular_dataset import TabularDataset

__all__ = [
    "DataType",
    "FileDataset",
    "HDFSOutputDatasetConfig",
    "LinkFileOutputDatasetConfig",
    "LinkTabularOutputDatasetConfig",
    "OutputFileDatasetConfig",
    "TabularDataset",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "DataType": "dataset_factory",
        "FileDataset": "file_dataset",
        "HDFSOutputDatasetConfig": "output_dataset_config",
        "LinkFileOutputDatasetConfig": "output_dataset_config",
        "LinkTabularOutputDatasetConfig": "output_dataset_config",
        "OutputFileDatasetConfig": "output_dataset_config",
        "TabularDataset": "tabular_dataset",
    },
    (
        "abstract_dataset",
        "abstract_datastore",
        "azure_data_lake_datastore",
        "azure_my_sql_datastore",
        "azure_postgre_sql_datastore",
        "azure_sql_database_datastore",
        "azure_storage_datastore",
        "data_reference",
        "datapath",
        "dataset_consumption_config",
        "dataset_factory",
        "dataset_type_definitions",
        "dbfs_datastore",
        "file_dataset",
        "output_dataset_config",
        "sql_data_reference",
        "stored_procedure_parameter",
        "tabular_dataset",
    ),
)
