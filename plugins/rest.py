"""
The REST endpoints of published pipelines: v1's requests, for users of Airflow who may start runs of DAGs.

Runs go to the service whose API server this is. Any other Airflow does not know their DAGs yet and says so.
"""

# No `from __future__ import annotations` here: FastAPI would look the dependencies up by name and take what it does
# not find for fields of the query.

from typing import Annotated

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from fastapi import APIRouter, Depends, HTTPException, Request, Response, status
from fastapi.responses import JSONResponse

from airflow_ml.exceptions import AzureMLException
from airflow_ml.graph import WorkspaceRef
from airflow_ml.plugins.workspaces import opened
from airflow_ml.translation.rest_runs import MAX_BODY, SUBMIT_PATH, error_answer, start_run
from airflow_ml.translation.service import find_running

__all__ = ["router"]

router = APIRouter()


async def limited_body(request: Request) -> bytes:
    """Return the body of a request that says that it is JSON, which a page of another site cannot send."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(status.HTTP_415_UNSUPPORTED_MEDIA_TYPE, "send the body as application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise HTTPException(413, f"the body has more than {MAX_BODY} bytes; v1's have some hundred")
    return bytes(body)


@router.post(SUBMIT_PATH, name="pipeline_submit")
def submit_pipeline(
    request: Request, user: GetUserDep, workspace: str, pipeline_id: str, body: Annotated[bytes, Depends(limited_body)]
) -> Response:
    """Start a run of a published pipeline."""
    with opened(workspace):
        pass  # or the answer that there is no such workspace
    if find_running() is None:
        raise HTTPException(
            status.HTTP_501_NOT_IMPLEMENTED,
            "this Airflow does not run published pipelines, only the service of `airflow-ml service start` does; put"
            " pipeline.to_dag(...) into a DAG file of this Airflow",
        )

    def check(dag_id: str) -> None:
        requires_access_dag("POST", DagAccessEntity.RUN, param_dag_id=dag_id)(request, user)

    try:
        return JSONResponse(start_run(WorkspaceRef(workspace), pipeline_id, body, check=check))
    except AzureMLException as error:
        code, document = error_answer(error)
        return JSONResponse(document, code)
