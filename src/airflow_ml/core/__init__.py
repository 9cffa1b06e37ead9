"""
Workspaces, environments, computes, experiments, models: the module `azureml.core` of the v1 SDK.

Names are imported at their first use, because every DAG file imports this package.
"""

from __future__ import annotations

from airflow_ml._exports import lazy_exports
from airflow_ml._version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.container_registry import ContainerRegistry
    from airflow_ml.core.dataset import Dataset
    from airflow_ml.core.datastore import Datastore
    from airflow_ml.core.environment import Environment
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.core.model import Model
    from airflow_ml.core.run import Run
    from airflow_ml.core.runconfig import RunConfiguration
    from airflow_ml.core.script_run import ScriptRun
    from airflow_ml.core.script_run_config import ScriptRunConfig
    from airflow_ml.core.workspace import Workspace

__all__ = [
    "VERSION",
    "ComputeTarget",
    "ContainerRegistry",
    "Dataset",
    "Datastore",
    "Environment",
    "Experiment",
    "Model",
    "Run",
    "RunConfiguration",
    "ScriptRun",
    "ScriptRunConfig",
    "Workspace",
    "__version__",
]

#: Of airflow-ml; v1 code prints it.
VERSION = __version__

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "ComputeTarget": "compute.compute",
        "ContainerRegistry": "container_registry",
        "Dataset": "dataset",
        "Datastore": "datastore",
        "Environment": "environment",
        "Experiment": "experiment",
        "Model": "model",
        "Run": "run",
        "RunConfiguration": "runconfig",
        "ScriptRun": "script_run",
        "ScriptRunConfig": "script_run_config",
        "Workspace": "workspace",
    },
    (
        "authentication",
        "compute",
        "compute_target",
        "conda_dependencies",
        "container_registry",
        "dataset",
        "datastore",
        "environment",
        "experiment",
        "model",
        "run",
        "runconfig",
        "script_run",
        "script_run_config",
        "workspace",
    ),
)
