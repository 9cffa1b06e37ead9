"""Compute targets: named, sized places where steps run (`azureml.core.compute`)."""

from __future__ import annotations

from airflow_ml._exports import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.core.compute.amlcompute import AmlCompute
    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.compute.computeinstance import ComputeInstance
    from airflow_ml.core.compute.unsupported import (
        AdlaCompute,
        AksCompute,
        BatchCompute,
        DatabricksCompute,
        DataFactoryCompute,
        HDInsightCompute,
        KubernetesCompute,
        RemoteCompute,
        SynapseCompute,
    )
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
    "HDInsightCompute",
    "KubernetesCompute",
    "RemoteCompute",
    "SynapseCompute",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "AdlaCompute": "unsupported",
        "AksCompute": "unsupported",
        "AmlCompute": "amlcompute",
        "BatchCompute": "unsupported",
        "ComputeInstance": "computeinstance",
        "ComputeTarget": "compute",
        "ComputeTargetException": "compute",
        "DataFactoryCompute": "unsupported",
        "DatabricksCompute": "unsupported",
        "HDInsightCompute": "unsupported",
        "KubernetesCompute": "unsupported",
        "RemoteCompute": "unsupported",
        "SynapseCompute": "unsupported",
    },
    ("amlcompute", "compute", "computeinstance"),
)
