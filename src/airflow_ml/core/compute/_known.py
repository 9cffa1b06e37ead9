"""Where compute targets are kept: in the registry, or on the workspace object while a DAG file is parsed."""

from __future__ import annotations

from airflow_ml.core._caller import is_parsing_dag
from airflow_ml.core.compute.amlcompute import AmlCompute
from airflow_ml.core.compute.compute import ComputeTarget, not_found
from airflow_ml.core.compute.computeinstance import ComputeInstance
from airflow_ml.core.compute.datafactory import DataFactoryCompute
from airflow_ml.core.compute.kubernetescompute import KubernetesCompute
from airflow_ml.core.compute.remote import RemoteCompute
from airflow_ml.graph.model import ComputeDeclaration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph.model import Json

__all__ = ["declare", "delete", "find", "load", "make", "put"]

_CLASSES: Mapping[str, type[ComputeTarget]] = {
    "AmlCompute": AmlCompute,
    "ComputeInstance": ComputeInstance,
    "DataFactory": DataFactoryCompute,
    "Kubernetes": KubernetesCompute,
    "Remote": RemoteCompute,
}


def make(
    workspace: Workspace, name: str, type_name: str, settings: Mapping[str, Json], *, is_declared: bool = False
) -> ComputeTarget:
    """Return the object of a target; a type that is not known has the common class."""
    return _CLASSES.get(type_name, ComputeTarget)._filled(workspace, name, settings, is_declared=is_declared)


def find(workspace: Workspace, name: str) -> ComputeTarget | None:
    """Return the target of that name, or None; while parsing only the file's own ones are known."""
    if is_parsing_dag():
        return _declared(workspace).get(name)
    record = workspace.registry().compute_targets.find(name)
    return None if record is None else make(workspace, record.name, record.type, record.settings)


def load(workspace: Workspace) -> dict[str, ComputeTarget]:
    """Return all targets by name; while parsing only the file's own ones are known."""
    if is_parsing_dag():
        return _declared(workspace)
    records = workspace.registry().compute_targets.list()
    return {record.name: make(workspace, record.name, record.type, record.settings) for record in records}


def _declared(workspace: Workspace) -> dict[str, ComputeTarget]:
    return {
        declared.name: make(workspace, declared.name, declared.type, declared.settings, is_declared=True)
        for declared in workspace._compute_declarations
    }


def declare(workspace: Workspace, name: str, type_name: str, settings: dict[str, Json]) -> ComputeTarget:
    """Record a target on the workspace object; a second time replaces the first."""
    others = [declared for declared in workspace._compute_declarations if declared.name != name]
    workspace._compute_declarations[:] = [*others, ComputeDeclaration(name, type_name, settings)]
    return make(workspace, name, type_name, settings, is_declared=True)


def put(workspace: Workspace, name: str, type_name: str, settings: dict[str, Json]) -> ComputeTarget:
    """Record a target in the registry; a second time replaces the first."""
    record = workspace.registry().compute_targets.put(name, type=type_name, settings=settings)
    return make(workspace, record.name, record.type, record.settings)


def delete(workspace: Workspace, name: str) -> None:
    """Forget a target; raises ComputeTargetException if there is none."""
    if find(workspace, name) is None:
        raise not_found(workspace, name)
    workspace.registry().compute_targets.remove(name)
