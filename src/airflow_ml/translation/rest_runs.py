"""
Starting a run of a published pipeline for a request: the same for Airflow's API server and for the caller's process.

What HTTP says of it is here too, so that both answer alike: the answer, and the status of each error.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_ml.core.experiment import Experiment
from airflow_ml.core.workspace import Workspace
from airflow_ml.exceptions import ServiceException
from airflow_ml.execution.publishing import endpoint_to_run, graph_to_run, properties_of
from airflow_ml.registry import EndpointNotFoundError, PublishedPipelineNotFoundError, open_shared
from airflow_ml.registry.values import storable_text
from airflow_ml.translation.registered_dags import published_dag_id
from airflow_ml.translation.rest_bodies import read_request
from airflow_ml.translation.submission import submit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_ml.exceptions import AzureMLException
    from airflow_ml.graph import Json, WorkspaceRef
    from airflow_ml.translation.rest_bodies import RunRequest
    from airflow_ml.translation.rest_paths import RunTarget

__all__ = ["MAX_BODY", "NOT_FOUND", "error_answer", "error_document", "pipeline_of", "start_run"]

logger = logging.getLogger(__name__)

#: Bytes of a request's body; v1's are some hundred.
MAX_BODY = 1 << 20

#: Errors that say that a target is not in a workspace.
NOT_FOUND = (PublishedPipelineNotFoundError, EndpointNotFoundError)


def pipeline_of(workspace: WorkspaceRef, target: RunTarget) -> str:
    """
    Return the id of the published pipeline that a request is to start.

    Raises:
        EndpointNotFoundError: there is no such endpoint, or no such version of it.
        UserErrorException: the endpoint is disabled.
    """
    if target.pipeline_id is not None:
        return target.pipeline_id
    registry = open_shared(workspace, create=False)
    return endpoint_to_run(registry, endpoint_id=target.endpoint_id, name=target.endpoint_name, version=target.version)


def start_run(
    workspace: WorkspaceRef, pipeline_id: str, body: bytes, *, check: Callable[[str], None] = lambda _dag_id: None
) -> dict[str, Json]:
    """
    Start a run of a published pipeline and return v1's answer.

    Args:
        body: v1's, as JSON.
        check: called with the id of the run's DAG before anything is started; raises for somebody who may not.

    Raises:
        PublishedPipelineNotFoundError: there is none of that id.
        UserErrorException: it is disabled, or the body asks for what is not right.
        ServiceException: the run could not be started.
    """
    registry = open_shared(workspace, create=False)
    # First of all: errors that come later name what the pipeline has.
    check(published_dag_id(registry.published_pipelines.get(pipeline_id)))
    record, graph = graph_to_run(registry, pipeline_id)
    request = read_request(body, graph)
    Experiment(Workspace.from_ref(workspace), request.experiment)  # refuses a name that cannot be
    goes_on = request.continue_on_step_failure
    run_id = submit(
        graph,
        experiment=request.experiment,
        parameters=request.parameters,
        tags=request.tags,
        continue_on_step_failure=bool(record.continue_on_step_failure if goes_on is None else goes_on),
        reuse=request.reuse,
        properties={**_properties(request), **properties_of(record)},
        description=request.description,
    )
    answer: dict[str, Json] = {"Id": run_id}
    if request.unused:
        warning = f"the pipeline declares no parameters; without effect: {', '.join(request.unused)}"
        logger.warning("run %s: %s", run_id, warning)
        answer["Warnings"] = [storable_text(warning)]
    return answer


def _properties(request: RunRequest) -> Mapping[str, str]:
    return {**request.properties, "runSource": request.run_source, "runType": request.run_type}


def error_answer(error: AzureMLException) -> tuple[int, dict[str, Json]]:
    """Return status and document that an error of `start_run` is answered with."""
    if isinstance(error, NOT_FOUND):
        return 404, error_document("NotFound", error.message)
    if isinstance(error, ServiceException):
        return 503, error_document("ServiceError", error.message)
    return 400, error_document("UserError", error.message)


def error_document(code: str, message: str) -> dict[str, Json]:
    """Return an error in the form of v1's services; what no text can hold is replaced."""
    return {"error": {"code": code, "message": storable_text(message)}}
