"""
The v1 names that a script finds inside a step, under `azureml` and `airflow_ml` alike.

Every module of the two trees is the same two lines and gets its names from the tables here when they are first
used. A name or module that works where the pipeline is built alone raises ImportError, and says so.
"""

from __future__ import annotations

import sys

from airflow_ml.runtime.late import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = ["MODULES", "SDK_VERSION", "module_names"]

#: What `azureml.core.VERSION` says: the v1 SDK whose surface this is, because scripts compare it.
SDK_VERSION = "1.61.0"

_DATASETS = {"FileDataset": "datasets", "TabularDataset": "datasets"}
_FACTORIES = {"FileDatasetFactory": "dataset_factories", "TabularDatasetFactory": "dataset_factories"}

#: Module below `azureml` or `airflow_ml` -> name -> module of the runtime that has it.
_OFFERED: dict[str, dict[str, str]] = {
    "core": {
        "Dataset": "datasets",
        "Datastore": "workspace",
        "Experiment": "workspace",
        "Model": "models",
        "Run": "run",
        "Workspace": "workspace",
    },
    "core.dataset": {"Dataset": "datasets"},
    "core.datastore": {"Datastore": "workspace"},
    "core.experiment": {"Experiment": "workspace"},
    "core.model": {"Model": "models"},
    "core.run": {"Run": "run", "_OfflineRun": "run", "_SubmittedRun": "run"},
    "core.workspace": {"Workspace": "workspace"},
    "data": _DATASETS,
    "data.abstract_dataset": {"AbstractDataset": "datasets"},
    "data.dataset_factory": _FACTORIES,
    "data.file_dataset": {"FileDataset": "datasets"},
    "data.tabular_dataset": {"TabularDataset": "datasets"},
}

#: Names that v1 has in a module of the table above, and that describe pipelines rather than take part in a step.
_ELSEWHERE = {
    "core": (
        "ComputeTarget",
        "ContainerRegistry",
        "Environment",
        "Image",
        "Keyvault",
        "LinkedService",
        "RunConfiguration",
        "ScriptRun",
        "ScriptRunConfig",
        "Webservice",
    ),
    "core.model": ("InferenceConfig",),
    "data": ("HDFSOutputDatasetConfig", "LinkFileOutputDatasetConfig", "OutputFileDatasetConfig"),
    "data.dataset_factory": ("DataType",),
}

_ELSEWHERE_MODULES = (
    "core.authentication",
    "core.compute",
    "core.compute_target",
    "core.conda_dependencies",
    "core.environment",
    "core.runconfig",
    "core.script_run",
    "core.script_run_config",
    "core.webservice",
    "data.data_reference",
    "data.datapath",
    "data.dataset_consumption_config",
    "data.output_dataset_config",
    "data.sql_data_reference",
    "pipeline",
    "pipeline.core",
    "pipeline.steps",
)

#: Every module of the trees.
MODULES = (*_OFFERED, *_ELSEWHERE_MODULES)


def module_names(module: str) -> tuple[Callable[[str], Any], list[str]]:
    """
    Return `__getattr__` and `__all__` for a module of the trees.

    Raises:
        ImportError: the module has nothing for a script inside a step.
    """
    _, _, below = module.partition(".")
    if below in _ELSEWHERE_MODULES:
        raise ImportError(_not_here(module), name=module)
    offered = _OFFERED[below]
    constants = {"VERSION": SDK_VERSION} if below == "core" else {}

    def find(name: str) -> Any:
        if name in constants:
            return constants[name]
        if name in offered:
            value = getattr(load("airflow_ml.runtime." + offered[name]), name)
            setattr(sys.modules[module], name, value)
            return value
        if name in _ELSEWHERE.get(below, ()):
            # Not AttributeError, whose text `from module import name` would drop.
            raise ImportError(_not_here(f"{module}.{name}"), name=module)
        if f"{below}.{name}" in _OFFERED:
            return load(f"{module}.{name}")
        raise AttributeError(f"module {module!r} inside a step has no attribute {name!r}; it has {sorted(offered)}")

    return find, sorted([*offered, *constants])


def _not_here(name: str) -> str:
    return (
        f"{name} is not available inside a step, where azureml and airflow_ml are airflow-ml's step library; "
        "use it where the pipeline is built, and pass what the script needs of it as an argument or input"
    )
