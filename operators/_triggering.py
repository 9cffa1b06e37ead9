"""
Starting a recorded pipeline run from a task: through the task's supervisor, so that it needs no user and no token.

Airflow's `TriggerDagRunOperator` goes the same way. The DAG must be known to Airflow: where it is not, the service is
told of it if this machine knows how, and otherwise the DAG bundle finds it at its next look.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time import task_runner
from airflow.sdk.execution_time.comms import ErrorResponse, TriggerDagRun

from airflow_ml.exceptions import AzureMLException, ServiceException
from airflow_ml.execution.run_parameters import open_parameters
from airflow_ml.translation.pipeline_ref import RUN_KEY
from airflow_ml.translation.registered_dags import make_runnable, register_published

if TYPE_CHECKING:
    from airflow_ml.graph import Graph
    from airflow_ml.registry import PublishedPipelineRecord, Registry, RunRecord

__all__ = ["trigger"]

logger = logging.getLogger(__name__)

_HTTP_NOT_FOUND = 404


def trigger(registry: Registry, pipeline: PublishedPipelineRecord, graph: Graph, run: RunRecord) -> None:
    """
    Let Airflow run a recorded run of a published pipeline; one that it has taken before stays as it is.

    Raises:
        ServiceException: Airflow does not know its DAG yet, or refuses; trying again can help.
    """
    dag_id = run.dag_id or run.id
    register_published(registry, pipeline, graph)
    if _trigger(dag_id, run):
        return
    try:
        make_runnable(graph.workspace, dag_id)
    except AzureMLException as error:
        logger.info("DAG %r: Airflow cannot be told of it from here (%s); its DAG bundle will find it", dag_id, error)
    if not _trigger(dag_id, run):
        raise ServiceException(
            f"run {run.id}: Airflow does not know DAG {dag_id!r} yet; its DAG bundle finds it at its next look, see"
            " [dag_processor] refresh_interval"
        )


def _trigger(dag_id: str, run: RunRecord) -> bool:
    """Return whether Airflow has the run now; False if it does not know the DAG."""
    request = TriggerDagRun(
        dag_id=dag_id,
        run_id=run.dag_run_id or run.id,
        conf={**open_parameters(run), RUN_KEY: run.id},
        note=f"run {run.id} of experiment {run.experiment!r}",
    )
    try:
        answer = task_runner.SUPERVISOR_COMMS.send(request)
    except AirflowRuntimeError as error:
        if (error.error.detail or {}).get("status_code") == _HTTP_NOT_FOUND:
            return False
        raise ServiceException(f"run {run.id}: Airflow makes no DAG run of {dag_id!r}: {error}") from error
    if isinstance(answer, ErrorResponse) and answer.error != ErrorType.DAGRUN_ALREADY_EXISTS:
        raise ServiceException(f"run {run.id}: Airflow makes no DAG run of {dag_id!r}: {answer.error.value}")
    return True
