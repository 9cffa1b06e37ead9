"""
The DAGs of pipelines in service: recorded in the workspace's registry, and made runnable in an Airflow.

Airflow finds them by the workspace's DAG bundle (`airflow_ml.translation.bundle`). Recording one is all that is needed;
`make_runnable` tells an Airflow that has our plugin to look at once.
"""

from __future__ import annotations

import hashlib
import logging
import re
from typing import TYPE_CHECKING, Literal

from airflow_ml._late import late
from airflow_ml.exceptions import ServiceException
from airflow_ml.graph import from_json, to_json
from airflow_ml.registry import Home, open_shared
from airflow_ml.translation.dag_sources import note_workspace, workspaces_folder

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Json, WorkspaceRef
    from airflow_ml.registry import PublishedPipelineRecord, Registry
    from airflow_ml.registry.dag_versions import DagVersionRecord
    from airflow_ml.translation import airflow_service
else:
    airflow_service = late("airflow_ml.translation.airflow_service")

__all__ = [
    "AFTER_REFRESH",
    "NOW",
    "NO_SERVICE",
    "dag_id_of",
    "make_runnable",
    "offer_published",
    "published_dag_id",
    "register_dag",
    "register_published",
    "remove_dag",
]

logger = logging.getLogger(__name__)

Runnable = Literal["now", "after the bundle's refresh", "no service"]

#: Answers of `make_runnable`.
NOW: Runnable = "now"
AFTER_REFRESH: Runnable = "after the bundle's refresh"
NO_SERVICE: Runnable = "no service"

#: Tag of the DAGs of published pipelines.
_PUBLISHED = "published"

_NOT_IN_DAG_IDS = re.compile(r"[^\w.-]+")
_NOT_IN_EXPERIMENTS = re.compile(r"[^A-Za-z0-9_-]+")


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


def dag_id_of(graph: Graph, experiment: str) -> str:
    """Return one id per experiment and graph, so that submitting the same pipeline again is another run of its DAG."""
    digest = hashlib.sha256(to_json(graph).encode()).hexdigest()[:8]
    return f"{_NOT_IN_DAG_IDS.sub('_', experiment)[:200]}-{digest}"


def published_dag_id(record: PublishedPipelineRecord) -> str:
    """Return the id of a published pipeline's DAG: readable, and the same for as long as it is published."""
    return f"{_NOT_IN_DAG_IDS.sub('_', record.name)[:200]}-{record.id[:8]}"


def register_published(registry: Registry, record: PublishedPipelineRecord, graph: Graph) -> DagVersionRecord:
    """Record the DAG of a published pipeline; runs that are triggered in Airflow are of an experiment of its name."""
    experiment = _NOT_IN_EXPERIMENTS.sub("-", record.name)[:36].strip("-_")
    return register_dag(
        registry,
        graph,
        published_dag_id(record),
        experiment=experiment or None,
        continue_on_step_failure=bool(record.continue_on_step_failure),
        dag_display_name=record.name,
        tags=[_PUBLISHED],
        **({} if record.description is None else {"description": record.description}),
    )


def offer_published(workspace: WorkspaceRef, pipeline_id: str, *, wait: bool = False) -> tuple[str, Runnable]:
    """
    Make a published pipeline's DAG runnable, or not any more if it is disabled; return its id, and what came of it.

    What is published stays so, whatever Airflow does: if it does not answer, the DAG bundle finds the DAG later.
    """
    registry = open_shared(workspace)
    record = registry.published_pipelines.get(pipeline_id)
    dag_id = published_dag_id(record)
    if record.is_active:
        register_published(registry, record, from_json(registry.published_pipelines.graph(pipeline_id)))
    elif not remove_dag(registry, dag_id):
        return dag_id, NO_SERVICE
    try:
        return dag_id, make_runnable(workspace, dag_id, wait=wait)
    except ServiceException as error:
        logger.warning("published pipeline %s: %s", pipeline_id, error)
        return dag_id, AFTER_REFRESH
