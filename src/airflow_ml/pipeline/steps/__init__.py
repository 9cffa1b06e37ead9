"""
Kinds of steps (`azureml.pipeline.steps`).

PythonScriptStep, DataTransferStep and ModuleStep run. The other kinds have v1's parameters; constructing one raises
NotSupportedError with the way out that works today. Names are imported at their first use, because every DAG file
imports this package.
"""

from __future__ import annotations

from airflow_ml._exports import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.pipeline.steps._hdinsight_step import _HDInsightStep
    from airflow_ml.pipeline.steps.adla_step import AdlaStep
    from airflow_ml.pipeline.steps.automl_step import AutoMLStep, AutoMLStepRun
    from airflow_ml.pipeline.steps.azurebatch_step import AzureBatchStep
    from airflow_ml.pipeline.steps.command_step import CommandStep
    from airflow_ml.pipeline.steps.data_transfer_step import DataTransferStep
    from airflow_ml.pipeline.steps.databricks_step import DatabricksStep
    from airflow_ml.pipeline.steps.estimator_step import EstimatorStep
    from airflow_ml.pipeline.steps.hyper_drive_step import HyperDriveStep, HyperDriveStepRun
    from airflow_ml.pipeline.steps.kusto_step import KustoStep
    from airflow_ml.pipeline.steps.module_step import ModuleStep
    from airflow_ml.pipeline.steps.mpi_step import MpiStep
    from airflow_ml.pipeline.steps.parallel_run_config import ParallelRunConfig
    from airflow_ml.pipeline.steps.parallel_run_step import ParallelRunStep
    from airflow_ml.pipeline.steps.python_script_step import PythonScriptStep
    from airflow_ml.pipeline.steps.r_script_step import RScriptStep
    from airflow_ml.pipeline.steps.synapse_spark_step import SynapseSparkStep

__all__ = [
    "AdlaStep",
    "AutoMLStep",
    "AutoMLStepRun",
    "AzureBatchStep",
    "CommandStep",
    "DataTransferStep",
    "DatabricksStep",
    "EstimatorStep",
    "HyperDriveStep",
    "HyperDriveStepRun",
    "KustoStep",
    "ModuleStep",
    "MpiStep",
    "ParallelRunConfig",
    "ParallelRunStep",
    "PythonScriptStep",
    "RScriptStep",
    "SynapseSparkStep",
    "_HDInsightStep",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "AdlaStep": "adla_step",
        "AutoMLStep": "automl_step",
        "AutoMLStepRun": "automl_step",
        "AzureBatchStep": "azurebatch_step",
        "CommandStep": "command_step",
        "DataTransferStep": "data_transfer_step",
        "DatabricksStep": "databricks_step",
        "EstimatorStep": "estimator_step",
        "HyperDriveStep": "hyper_drive_step",
        "HyperDriveStepRun": "hyper_drive_step",
        "KustoStep": "kusto_step",
        "ModuleStep": "module_step",
        "MpiStep": "mpi_step",
        "ParallelRunConfig": "parallel_run_config",
        "ParallelRunStep": "parallel_run_step",
        "PythonScriptStep": "python_script_step",
        "RScriptStep": "r_script_step",
        "SynapseSparkStep": "synapse_spark_step",
        "_HDInsightStep": "_hdinsight_step",
    },
    (
        "adla_step",
        "automl_step",
        "azurebatch_step",
        "command_step",
        "data_transfer_step",
        "databricks_step",
        "estimator_step",
        "hyper_drive_step",
        "kusto_step",
        "module_step",
        "mpi_step",
        "parallel_run_config",
        "parallel_run_step",
        "python_script_step",
        "r_script_step",
        "synapse_spark_step",
    ),
)
