"""Runs side by side: what they were given, and what came of it."""

# No `from __future__ import annotations` here: FastAPI would look the dependencies up by name and take what it does
# not find for fields of the query.

from typing import Annotated

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, HTTPException, Query, Request, Response

from airflow_ml.plugins.access import RunAccess
from airflow_ml.plugins.comparison import comparison
from airflow_ml.plugins.pages import answer
from airflow_ml.plugins.workspaces import opened

__all__ = ["router"]

router = APIRouter()

#: More columns than that nobody compares.
_MOST = 10


@router.get("/workspaces/{workspace}/compare", name="compare")
def show_comparison(
    request: Request, user: GetUserDep, workspace: str, runs: Annotated[list[str] | None, Query()] = None
) -> Response:
    """Show up to ten runs side by side; `runs` may be repeated, or hold several ids with commas between them."""
    wanted = [*dict.fromkeys(run_id for part in runs or [] for run_id in part.split(",") if run_id)]
    if len(wanted) > _MOST:
        raise HTTPException(422, f"{len(wanted)} runs are too many for a page; name up to {_MOST}")
    with opened(workspace) as registry:
        access = RunAccess(request, user, registry)
        found = [run for run_id in wanted if (run := registry.runs.find(run_id)) is not None and access.may_see(run)]
        missing = len(wanted) - len(found)
        document = {"workspace": workspace, "missing": missing, **comparison(registry, found)}
    return answer(request, "compare.html", document)
