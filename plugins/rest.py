"""
The addresses that start runs of published pipelines: v1's requests, for users of Airflow who may start runs of DAGs.

Nothing here is done for a cookie alone: a request says that its body is JSON, which no page of another site can send
without being asked first, and a token is taken from the header, never from the address.
"""

# No `from __future__ import annotations` here: FastAPI would look the dependencies up by name and take what it does
# not find for fields of the query.

import logging

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag, requires_access_view
from fastapi import APIRouter, Request, Response, status
from fastapi.responses import JSONResponse

from airflow_ml.exceptions import AzureMLException, WorkspaceException
from airflow_ml.plugins.json_bodies import JsonBody, refused
from airflow_ml.plugins.synced_dags import NotServedError, ThisAirflow, served_workspace
from airflow_ml.plugins.workspaces import opened
from airflow_ml.translation.airflow_service import serving
from airflow_ml.translation.rest_description import description
from airflow_ml.translation.rest_paths import (
    DESCRIPTION_PATH,
    ENDPOINT_NAME_PATH,
    ENDPOINT_PATH,
    ENDPOINT_VERSION_PATH,
    SUBMIT_PATH,
    make_target,
)
from airflow_ml.translation.rest_runs import error_answer, pipeline_of, start_run

__all__ = ["router"]

router = APIRouter()

logger = logging.getLogger(__name__)

_READERS = requires_access_view(AccessView.WEBSITE)


# Each path is a route of its own, so that the routes are what the description says.
@router.post(SUBMIT_PATH, name="submit_pipeline")
@router.post(ENDPOINT_NAME_PATH, name="submit_endpoint_by_name")
@router.post(ENDPOINT_PATH, name="submit_endpoint")
@router.post(ENDPOINT_VERSION_PATH, name="submit_endpoint_version")
def submit_run(request: Request, user: GetUserDep, workspace: str, body: JsonBody) -> Response:
    """Start a run of a published pipeline, or of what a pipeline endpoint runs now."""
    if isinstance(body, Response):
        return body
    allowed: list[str] = []

    def check(dag_id: str) -> None:
        requires_access_dag("POST", DagAccessEntity.RUN, param_dag_id=dag_id)(request, user)
        allowed.append(dag_id)

    try:
        ref = served_workspace(workspace)
        target = make_target(request.path_params, dict(request.query_params))
        with serving(ThisAirflow(user.get_name())):
            return JSONResponse(start_run(ref, pipeline_of(ref, target), body, check=check))
    except AzureMLException as error:
        if not allowed:
            _READERS(request, user)  # whoever may see nothing is not told what there is either
        return _refusal(workspace, error)


def _refusal(workspace: str, error: AzureMLException) -> Response:
    if isinstance(error, NotServedError):
        with opened(workspace):
            pass  # or the answer that there is no such workspace
        return refused(status.HTTP_501_NOT_IMPLEMENTED, error.message)
    if isinstance(error, WorkspaceException):  # its text names places of this machine
        logger.warning("workspace %r cannot be opened: %s", workspace, error)
        return refused(status.HTTP_404_NOT_FOUND, f"workspace {workspace!r} is not known to this Airflow")
    code, document = error_answer(error)
    return JSONResponse(document, code)


@router.get(DESCRIPTION_PATH, name="description")
def describe(request: Request, user: GetUserDep) -> Response:
    """Give the OpenAPI description of these routes to whoever may see Airflow's pages."""
    _READERS(request, user)
    return JSONResponse(description(str(request.scope.get("root_path", ""))))
