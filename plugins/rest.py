"""
The addresses that start runs of published pipelines: v1's requests, for users of Airflow who may start runs of DAGs.

Nothing here is done for a cookie alone: a request says that its body is JSON, which no page of another site can send
without being asked first, and a token is taken from the header, never from the address.
"""

# No `from __future__ import annotations` here: FastAPI would look the dependencies up by name and take what it does
# not find for fields of the query.

from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import APIRouter, Depends, Request, Response, status
from fastapi.responses import JSONResponse

from airflow_ml.exceptions import AzureMLException, NotSupportedError
from airflow_ml.plugins.synced_dags import ThisAirflow, served_workspace
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
from airflow_ml.translation.rest_runs import MAX_BODY, error_answer, error_document, pipeline_of, start_run

__all__ = ["router"]

router = APIRouter()


async def limited_body(request: Request) -> bytes | Response:
    """Return the body of a request that says that it is JSON, or the answer to any other one."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return _refused(status.HTTP_415_UNSUPPORTED_MEDIA_TYPE, "send the body as application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            return _refused(413, f"the body has more than {MAX_BODY} bytes; v1's have some hundred")
    return bytes(body)


Body = Annotated[bytes | Response, Depends(limited_body)]


# Each path is a route of its own, so that the routes are what the description says.
@router.post(SUBMIT_PATH, name="submit_pipeline")
@router.post(ENDPOINT_NAME_PATH, name="submit_endpoint_by_name")
@router.post(ENDPOINT_PATH, name="submit_endpoint")
@router.post(ENDPOINT_VERSION_PATH, name="submit_endpoint_version")
def submit_run(request: Request, user: GetUserDep, workspace: str, body: Body) -> Response:
    """Start a run of a published pipeline, or of what a pipeline endpoint runs now."""
    if isinstance(body, Response):
        return body
    try:
        ref = served_workspace(workspace)
    except NotSupportedError as error:
        with opened(workspace):
            pass  # or the answer that there is no such workspace
        return _refused(status.HTTP_501_NOT_IMPLEMENTED, error.message)

    def check(dag_id: str) -> None:
        requires_access_dag("POST", DagAccessEntity.RUN, param_dag_id=dag_id)(request, user)

    try:
        target = make_target(request.path_params, dict(request.query_params))
        with serving(ThisAirflow(user.get_name())):
            return JSONResponse(start_run(ref, pipeline_of(ref, target), body, check=check))
    except AzureMLException as error:
        code, document = error_answer(error)
        return JSONResponse(document, code)


@router.get(DESCRIPTION_PATH, name="description")
def describe(request: Request, _user: GetUserDep) -> Response:
    """Give the OpenAPI description of these routes to whoever is logged in."""
    return JSONResponse(description(str(request.scope.get("root_path", ""))))


def _refused(status_code: int, message: str) -> Response:
    return JSONResponse(error_document("UserError", message), status_code)
