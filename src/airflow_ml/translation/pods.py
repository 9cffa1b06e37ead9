"""
Compute targets whose launcher is Kubernetes: the pod that Airflow's KubernetesExecutor starts for a step's task.

The pod *is* the node: its limits are the target's size, and the script runs in it as a process. The client of
Kubernetes is only there where its provider is installed, so it is imported when a pod is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from airflow_ml.exceptions import ComputeTargetException

if TYPE_CHECKING:
    from types import ModuleType

    from airflow_ml.compute.targets import TargetSettings

__all__ = ["executor_config"]

#: Kubernetes' name of NVIDIA's devices.
_GPU_RESOURCE = "nvidia.com/gpu"

#: The container of the task in the executor's pods; overrides reach it by its name.
_CONTAINER = "base"


def executor_config(target: TargetSettings, gpus: int | None = None) -> dict[str, Any]:
    """
    Return the task's `executor_config`: a pod override with the size of one node.

    Args:
        gpus: that the step asks for; default: all of the node.

    Raises:
        ComputeTargetException: the client of Kubernetes is not installed.
    """
    models = _models(target)
    count = target.gpus_per_node if gpus is None else gpus
    amounts = {} if target.node is None else {"cpu": str(target.node.cpus), "memory": f"{target.node.memory_gib:g}Gi"}
    if count:
        amounts[_GPU_RESOURCE] = str(count)
    container = models.V1Container(
        name=_CONTAINER,
        # As both, so that the pod is given what it may use and no more: its quality of service is then "Guaranteed".
        resources=models.V1ResourceRequirements(requests=amounts, limits=amounts) if amounts else None,
    )
    labels = {"airflow-ml.target": target.name}
    pod = models.V1Pod(
        metadata=models.V1ObjectMeta(labels=labels, namespace=target.namespace),
        spec=models.V1PodSpec(containers=[container], node_selector=target.node_selector or None),
    )
    return {"pod_override": pod}


def _models(target: TargetSettings) -> ModuleType:
    try:
        return importlib.import_module("kubernetes.client.models")
    except ImportError as error:
        raise ComputeTargetException(
            f"compute target {target.name!r}: its launcher is 'kubernetes', which needs the package of Airflow's"
            " KubernetesExecutor where DAG files are read and on the scheduler; install"
            " apache-airflow-providers-cncf-kubernetes"
        ) from error
