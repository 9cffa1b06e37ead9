"""
Workspaces, environments, computes, experiments, models: the module `azureml.core` of the v1 SDK.

Names are imported at their first use, because every DAG file imports this package.
"""

from __future__ import annotations

from airflow_ml._exports import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.container_registry import ContainerRegistry
    from airflow_ml.core.dataset import Dataset
    from airflow_ml.core.datastore import Datastore
    from airflow_ml.core.environment import Environment
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.core.image import Image
    from airflow_ml.core.keyvault import Keyvault
    from airflow_ml.core.linked_service import LinkedService, SynapseWorkspaceLinkedServiceConfiguration
    from airflow_ml.core.model import Model
    from airflow_ml.core.private_endpoint import PrivateEndPoint, PrivateEndPointConfig
    from airflow_ml.core.run import Run, get_run
    from airflow_ml.core.runconfig import RunConfiguration
    from airflow_ml.core.script_run import ScriptRun
    from airflow_ml.core.script_run_config import ScriptRunConfig
    from airflow_ml.core.webservice import Webservice
    from airflow_ml.core.workspace import Workspace

__all__ = [
    "VERSION",
    "ComputeTarget",
    "ContainerRegistry",
    "Dataset",
    "Datastore",
    "Environment",
    "Experiment",
    "Image",
    "Keyvault",
    "LinkedService",
    "Model",
    "PrivateEndPoint",
    "PrivateEndPointConfig",
    "Run",
    "RunConfiguration",
    "ScriptRun",
    "ScriptRunConfig",
    "SynapseWorkspaceLinkedServiceConfiguration",
    "Webservice",
    "Workspace",
    "__version__",
    "get_run",
]

#: The v1 SDK whose surface this is, the same inside a step, because code prints and compares it.
VERSION = "1.61.0"
__version__ = VERSION

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "ComputeTarget": "compute.compute",
        "ContainerRegistry": "container_registry",
        "Dataset": "dataset",
        "Datastore": "datastore",
        "Environment": "environment",
        "Experiment": "experiment",
        "Image": "image",
        "Keyvault": "keyvault",
        "LinkedService": "linked_service",
        "Model": "model",
        "PrivateEndPoint": "private_endpoint",
        "PrivateEndPointConfig": "private_endpoint",
        "Run": "run",
        "RunConfiguration": "runconfig",
        "ScriptRun": "script_run",
        "ScriptRunConfig": "script_run_config",
        "SynapseWorkspaceLinkedServiceConfiguration": "linked_service",
        "Webservice": "webservice",
        "Workspace": "workspace",
        "get_run": "run",
    },
    (
        "authentication",
        "compute",
        "compute_target",
        "conda_dependencies",
        "container_registry",
        "databricks",
        "dataset",
        "datastore",
        "environment",
        "experiment",
        "image",
        "keyvault",
        "linked_service",
        "model",
        "private_endpoint",
        "profile",
        "resource_configuration",
        "run",
        "runconfig",
        "script_run",
        "script_run_config",
        "webservice",
        "workspace",
    ),
)
