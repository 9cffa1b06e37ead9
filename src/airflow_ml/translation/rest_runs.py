"""
Starting a run of a published pipeline for a request: the same for Airflow's API server and for the caller's process.

What HTTP says of it is here too, so that both answer alike: the path, the answer, and the status of each error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from airflow_ml.core.experiment import Experiment
from airflow_ml.core.workspace import Workspace
from airflow_ml.exceptions import ServiceException
from airflow_ml.execution.publishing import graph_to_run, properties_of
from airflow_ml.registry import PublishedPipelineNotFoundError, open_shared
from airflow_ml.translation.rest_bodies import read_request
from airflow_ml.translation.submission import dag_id_of, submit

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_ml.exceptions import AzureMLException
    from airflow_ml.graph import Json, WorkspaceRef

__all__ = [
    "MAX_BODY",
    "SUBMIT_PATH",
    "error_answer",
    "error_document",
    "read_submit_path",
    "start_run",
    "submit_path",
]

#: Bytes of a request's body; v1's are some hundred.
MAX_BODY = 1 << 20

#: The form of v1's paths.
SUBMIT_PATH = (
    "/pipelines/v1.0/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.MachineLearningServices"
    "/workspaces/{workspace}/PipelineRuns/PipelineSubmit/{pipeline_id}"
)
_SUBMIT_PATH = re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(SUBMIT_PATH)))


def submit_path(workspace: WorkspaceRef, pipeline_id: str) -> str:
    """Return the path of a published pipeline, in v1's form; where Azure's names are not known stands `-`."""
    return SUBMIT_PATH.format(
        subscription=quote(workspace.subscription_id or "-", safe=""),
        group=quote(workspace.resource_group or "-", safe=""),
        workspace=quote(workspace.name, safe=""),
        pipeline_id=quote(pipeline_id, safe=""),
    )


def read_submit_path(path: str) -> tuple[str, str] | None:
    """Return the names of workspace and published pipeline that such a path has, or None for any other path."""
    found = _SUBMIT_PATH.fullmatch(path)
    return None if found is None else (unquote(found["workspace"]), unquote(found["pipeline_id"]))


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
    record, graph = graph_to_run(open_shared(workspace, create=False), pipeline_id)
    request = read_request(body, graph)
    Experiment(Workspace.from_ref(workspace), request.experiment)  # refuses a name that cannot be
    check(dag_id_of(graph, request.experiment))
    goes_on = request.continue_on_step_failure
    run_id = submit(
        graph,
        experiment=request.experiment,
        parameters=request.parameters,
        tags=request.tags,
        continue_on_step_failure=bool(record.continue_on_step_failure if goes_on is None else goes_on),
        reuse=request.reuse,
        properties={**properties_of(record), "runSource": request.run_source, "runType": request.run_type},
        description=request.description,
    )
    return {"Id": run_id}


def error_answer(error: AzureMLException) -> tuple[int, dict[str, Json]]:
    """Return status and document that an error of `start_run` is answered with."""
    if isinstance(error, PublishedPipelineNotFoundError):
        return 404, error_document("NotFound", error.message)
    if isinstance(error, ServiceException):
        return 503, error_document("ServiceError", error.message)
    return 400, error_document("UserError", error.message)


def error_document(code: str, message: str) -> dict[str, Json]:
    """Return an error in the form of v1's services."""
    return {"error": {"code": code, "message": message}}
