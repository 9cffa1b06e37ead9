"""
The DAGs of pipelines in service: recorded in the workspace's registry, and made runnable in an Airflow.

Airflow finds them by the workspace's DAG bundle (`airflow_ml.translation.bundle`). Recording one is all that is needed;
`make_runnable` tells an Airflow that has our plugin to look at once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from airflow_ml._late import late
from airflow_ml.graph import to_json
from airflow_ml.registry import Home
from airflow_ml.translation.dag_sources import note_workspace, workspaces_folder

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Json, WorkspaceRef
    from airflow_ml.registry import PublishedPipelineRecord, Registry
    from airflow_ml.registry.dag_versions import DagVersionRecord
    from airflow_ml.translation import airflow_service
else:
    airflow_service = late("airflow_ml.translation.airflow_service")

__all__ = ["AFTER_REFRESH", "NOW", "NO_SERVICE", "make_runnable", "published_dag_id", "register_dag", "remove_dag"]

Runnable = Literal["now", "after the bundle's refresh", "no service"]

#: Answers of `make_runnable`.
NOW: Runnable = "now"
AFTER_REFRESH: Runnable = "after the bundle's refresh"
NO_SERVICE: Runnable = "no service"

_NOT_IN_DAG_IDS = re.compile(r"[^\w.-]+")


def register_dag(registry: Registry, graph: Graph, dag_id: str, **arguments: Json) -> DagVersionRecord:
    """
    Record a DAG of the graph, and return its newest version: the one that is there, if that is the same.

    Args:
        arguments: JSON values for `airflow_ml.translation.dags.to_dag`, such as `experiment` or `schedule`.

    Raises:
        UserErrorException: the id is too long, or an argument is no JSON value.
    """
    version = registry.dag_versions.add(dag_id, graph_json=to_json(graph), arguments=arguments)
    note_workspace(workspaces_folder(Home.default()), graph.workspace)
    return version


def remove_dag(registry: Registry, dag_id: str) -> bool:
    """
    Record that a DAG is no longer there; False if it was not.

    Airflow keeps its runs, and those can be cleared and looked at as before.
    """
    return registry.dag_versions.remove(dag_id) is not None


def make_runnable(workspace: WorkspaceRef, dag_id: str, *, wait: bool = False) -> Runnable:
    """
    Tell the workspace's Airflow of a DAG that was recorded or removed, and return when it can be triggered.

    Args:
        wait: where the Airflow cannot be told, wait until its DAG bundle has found the DAG, and return "now".

    Raises:
        ServiceException: Airflow does not answer, refuses, or cannot make a DAG of it.
    """
    service = airflow_service.find_service(workspace)
    if service is None:
        return NO_SERVICE
    if service.tell(workspace, dag_id):
        return NOW
    if wait:
        service.wait_for(workspace, dag_id)
        return NOW
    return AFTER_REFRESH


def published_dag_id(record: PublishedPipelineRecord) -> str:
    """Return the id of a published pipeline's DAG: readable, and the same for as long as it is published."""
    return f"{_NOT_IN_DAG_IDS.sub('_', record.name)[:200]}-{record.id[:8]}"
