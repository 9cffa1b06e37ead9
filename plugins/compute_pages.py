"""The page of compute targets: their pools, who has their slots and who waits, and this machine's devices."""

# No `from __future__ import annotations` here: FastAPI would look the dependencies up by name and take what it does
# not find for fields of the query.

from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_pool
from fastapi import APIRouter, Depends, Request, Response

from airflow_ml.plugins.access import RunAccess
from airflow_ml.plugins.compute_document import compute_document
from airflow_ml.plugins.pages import answer
from airflow_ml.plugins.workspaces import opened

__all__ = ["router"]

router = APIRouter(dependencies=[Depends(requires_access_pool("GET"))])


@router.get("/workspaces/{workspace}/compute", name="compute")
def show_compute(request: Request, user: GetUserDep, workspace: str) -> Response:
    """Show the workspace's compute targets as they stand now."""
    with opened(workspace) as registry:
        document = compute_document(registry, RunAccess(request, user, registry))
    return answer(request, "compute.html", {"workspace": workspace, **document})
