"""
Starting a run of a pipeline or of one script from a script or notebook: `Experiment.submit`.

The run is recorded here, in the caller's process, so that what is wrong is an exception there. Then it goes to the
Airflow that runs the workspace's pipelines (`airflow_ml.translation.airflow_service`), and where there is none to a
process of its own that runs the DAG through Airflow's in-process runner, one step at a time.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.pipelines import Opening, open_pipeline
from airflow_ml.execution.runner_lock import ENGINE_EMBEDDED
from airflow_ml.execution.script_runs import ScriptOpening, open_script_run
from airflow_ml.execution.services import Services, open_services
from airflow_ml.graph import to_json
from airflow_ml.translation import embedding
from airflow_ml.translation.airflow_service import find_service
from airflow_ml.translation.registered_dags import register_dag

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Json, ReuseMode
    from airflow_ml.registry import RunRecord
    from airflow_ml.translation.service_runs import AirflowService

__all__ = ["dag_id_of", "submit", "submit_script"]

_NOT_IN_DAG_IDS = re.compile(r"[^\w.-]+")


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
    dag_id: str | None = None,
) -> str:
    """
    Record a run of the graph, start it, and return its id without waiting.

    Args:
        dag_id: of a DAG of the graph that is registered already; None makes one for experiment and graph.
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
        dag_id=dag_id or dag_id_of(graph, experiment),
        dag_run_id=_dag_run_id(),
        parameters=parameters,
        tags=tags,
        continue_on_failure=continue_on_step_failure,
        properties=properties,
        description=description,
        details={"engine": _engine_of(running), "reuse": reuse},
    )
    with open_services(graph.workspace) as services:
        run = open_pipeline(services, graph, opening)
        return _start(services, graph, run, running, is_registered=dag_id is not None)


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
        return _start(services, graph, open_script_run(services, graph, opening), running, is_registered=False)


def _start(
    services: Services, graph: Graph, run: RunRecord, running: AirflowService | None, *, is_registered: bool
) -> str:
    """Hand the recorded run to what drives it, and return its id; a run that cannot be started is Failed."""
    try:
        if running is None:
            embedding.start(services.registry, graph, run)
        else:
            if not is_registered:
                register_dag(services.registry, graph, run.dag_id or run.id, experiment=run.experiment)
            running.start(graph, run)
    except AzureMLException as error:
        services.registry.runs.set_status(run.id, "Failed", error={"code": "NotStarted", "message": str(error)})
        raise
    return run.id


def _engine_of(running: AirflowService | None) -> str:
    return "service" if running is not None else ENGINE_EMBEDDED


def _dag_run_id() -> str:
    return f"submitted__{uuid.uuid4()}"


def dag_id_of(graph: Graph, experiment: str) -> str:
    """Return one id per experiment and graph, so that submitting the same pipeline again is another run of its DAG."""
    digest = hashlib.sha256(to_json(graph).encode()).hexdigest()[:8]
    return f"{_NOT_IN_DAG_IDS.sub('_', experiment)[:200]}-{digest}"
