"""
Starting a run of a pipeline or of one script from a script or notebook: `Experiment.submit`.

The run is recorded here, in the caller's process, so that what is wrong is an exception there. Then it goes to the
Airflow that runs the workspace's pipelines (`airflow_ml.translation.airflow_service`), and where there is none to a
process of its own that runs the DAG through Airflow's in-process runner, one step at a time.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.captures import with_snapshots
from airflow_ml.execution.pipelines import Opening, open_pipeline
from airflow_ml.execution.publishing import PIPELINE_ID
from airflow_ml.execution.runner_lock import ENGINE_EMBEDDED
from airflow_ml.execution.script_runs import ScriptOpening, open_script_run
from airflow_ml.execution.services import Services, open_services
from airflow_ml.translation import embedding
from airflow_ml.translation.airflow_service import find_service
from airflow_ml.translation.registered_dags import dag_id_of, published_dag_id, register_dag, register_published

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Json, ReuseMode
    from airflow_ml.registry import PublishedPipelineRecord, RunRecord
    from airflow_ml.translation.service_runs import AirflowService

__all__ = ["dag_id_of", "submit", "submit_script"]


def submit(
    graph: Graph,
    *,
    experiment: str,
    parameters: Mapping[str, Json],
    tags: Mapping[str, str],
    continue_on_step_failure: bool,
    reuse: ReuseMode = "normal",
    properties: Mapping[str, str] = MappingProxyType({}),
    description: str | None = None,
) -> str:
    """
    Record a run of the graph, start it, and return its id without waiting.

    Args:
        reuse: how results of earlier runs are used.
        properties: of the run, besides those that every run has.
        description: of the run; the graph's unless given.

    Raises:
        UserErrorException: something that the graph or the parameters name is not there or not right.
        ServiceException: the run could not be started; its record says so.
    """
    running = find_service(graph.workspace)
    opening = Opening(
        experiment=experiment,
        dag_id=dag_id_of(graph, experiment),
        dag_run_id=_dag_run_id(),
        parameters=parameters,
        tags=tags,
        continue_on_failure=continue_on_step_failure,
        properties=properties,
        description=description,
        details={"engine": _engine_of(running), "reuse": reuse},
    )
    with open_services(graph.workspace) as services:
        published = _published(services, properties)
        if published is not None:
            opening = replace(opening, dag_id=published_dag_id(published))
        return _start(services, graph, open_pipeline(services, graph, opening), running, published)


def submit_script(
    graph: Graph, *, experiment: str, tags: Mapping[str, str], parent_id: str | None, run_id: str | None
) -> str:
    """
    Record the run of a graph that is one script, start it, and return its id without waiting.

    Args:
        parent_id: the run that it lies below.
        run_id: its id; None makes one up.

    Raises:
        UserErrorException: something that the graph names is not there or not right, or the run id is taken.
        ServiceException: the run could not be started; its record says so.
    """
    running = find_service(graph.workspace)
    opening = ScriptOpening(
        experiment=experiment,
        dag_id=dag_id_of(graph, experiment),
        dag_run_id=_dag_run_id(),
        tags=tags,
        parent_id=parent_id,
        run_id=run_id,
        details={"engine": _engine_of(running)},
    )
    with open_services(graph.workspace) as services:
        return _start(services, graph, open_script_run(services, graph, opening), running)


def _start(
    services: Services,
    graph: Graph,
    run: RunRecord,
    running: AirflowService | None,
    published: PublishedPipelineRecord | None = None,
) -> str:
    """Hand the recorded run to what drives it, and return its id; a run that cannot be started is Failed."""
    try:
        if running is None:
            embedding.start(services.registry, graph, run)
            return run.id
        if published is None:
            register_dag(services.registry, _as_captured(graph, run), run.dag_id or run.id, experiment=run.experiment)
        else:
            register_published(services.registry, published, graph)
        running.start(graph, run)
    except AzureMLException as error:
        services.registry.runs.set_status(run.id, "Failed", error={"code": "NotStarted", "message": str(error)})
        raise
    return run.id


def _as_captured(graph: Graph, run: RunRecord) -> Graph:
    """Return the graph with the run's snapshots, so that its DAG can be triggered where the folders are not."""
    taken = cast("Mapping[str, Mapping[str, Json]]", run.details.get("snapshots") or {})
    return graph if graph.is_script_run else with_snapshots(graph, taken)


def _published(services: Services, properties: Mapping[str, str]) -> PublishedPipelineRecord | None:
    """Return the published pipeline that a run's properties name, whose DAG the run is then of."""
    pipeline_id = properties.get(PIPELINE_ID)
    return None if pipeline_id is None else services.registry.published_pipelines.get(pipeline_id)


def _engine_of(running: AirflowService | None) -> str:
    return "service" if running is not None else ENGINE_EMBEDDED


def _dag_run_id() -> str:
    return f"submitted__{uuid.uuid4()}"
