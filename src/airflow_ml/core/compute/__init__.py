"""Compute targets: named, sized places where steps run (`azureml.core.compute`)."""

from __future__ import annotations

from airflow_ml._exports import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.core.compute.adla import AdlaCompute
    from airflow_ml.core.compute.aks import AksCompute
    from airflow_ml.core.compute.amlcompute import AmlCompute
    from airflow_ml.core.compute.batch import BatchCompute
    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.compute.computeinstance import ComputeInstance
    from airflow_ml.core.compute.databricks import DatabricksCompute
    from airflow_ml.core.compute.datafactory import DataFactoryCompute
    from airflow_ml.core.compute.dsvm import DsvmCompute
    from airflow_ml.core.compute.hdinsight import HDInsightCompute
    from airflow_ml.core.compute.kubernetescompute import KubernetesCompute
    from airflow_ml.core.compute.kusto import KustoCompute
    from airflow_ml.core.compute.remote import RemoteCompute
    from airflow_ml.core.compute.synapse import SynapseCompute
    from airflow_ml.exceptions import ComputeTargetException

__all__ = [
    "AdlaCompute",
    "AksCompute",
    "AmlCompute",
    "BatchCompute",
    "ComputeInstance",
    "ComputeTarget",
    "ComputeTargetException",
    "DataFactoryCompute",
    "DatabricksCompute",
    "DsvmCompute",
    "HDInsightCompute",
    "KubernetesCompute",
    "KustoCompute",
    "RemoteCompute",
    "SynapseCompute",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "AdlaCompute": "adla",
        "AksCompute": "aks",
        "AmlCompute": "amlcompute",
        "BatchCompute": "batch",
        "ComputeInstance": "computeinstance",
        "ComputeTarget": "compute",
        "ComputeTargetException": "compute",
        "DataFactoryCompute": "datafactory",
        "DatabricksCompute": "databricks",
        "DsvmCompute": "dsvm",
        "HDInsightCompute": "hdinsight",
        "KubernetesCompute": "kubernetescompute",
        "KustoCompute": "kusto",
        "RemoteCompute": "remote",
        "SynapseCompute": "synapse",
    },
    (
        "adla",
        "aks",
        "amlcompute",
        "batch",
        "compute",
        "computeinstance",
        "databricks",
        "datafactory",
        "dsvm",
        "hdinsight",
        "kubernetescompute",
        "kusto",
        "remote",
        "synapse",
    ),
)
