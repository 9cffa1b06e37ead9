"""
The web application below `/airflow-ml` of Airflow's API server.

Every route of this module answers with a page, or with the same as JSON where `?format=json` or an Accept header asks
for it, and shows a user what Airflow's auth manager lets this user see of the DAGs that runs belong to. Those that
start runs are in `airflow_ml.plugins.rest`. The application's start also starts the thread that makes pools.
"""

# No `from __future__ import annotations` here: FastAPI would look the dependencies up by name and take what it does
# not find for fields of the query.

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated
from urllib.parse import urlencode

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import Depends, FastAPI, HTTPException, Request, Response, status
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException as StarletteHTTPException

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.graph import Json
from airflow_ml.plugins.access import RunAccess
from airflow_ml.plugins.pages import render
from airflow_ml.plugins.pool_sync import running_pool_sync
from airflow_ml.plugins.rest import router
from airflow_ml.plugins.run_document import run_document, run_summary
from airflow_ml.plugins.run_log import LogTail, read_log_tail
from airflow_ml.plugins.workspaces import opened
from airflow_ml.registry import Registry, RunRecord

__all__ = ["URL_PREFIX", "app"]

logger = logging.getLogger(__name__)

URL_PREFIX = "/airflow-ml"

#: Length of the list of runs.
_NEWEST = 50


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    with running_pool_sync():
        yield


app = FastAPI(title="airflow-ml", lifespan=_lifespan, docs_url=None, redoc_url=None, openapi_url=None)
app.include_router(router)


def wants_json(request: Request, format: str | None = None) -> bool:  # noqa: A002 - the name in the query
    """Return whether the answer is to be JSON; `format` of the query decides before the Accept header does."""
    if format is not None:
        return format == "json"
    accepted = request.headers.get("accept", "")
    return "application/json" in accepted and "text/html" not in accepted


WantsJson = Annotated[bool, Depends(wants_json)]


@app.get("/workspaces/{workspace}/runs", name="runs")
def show_runs(request: Request, user: GetUserDep, workspace: str, as_json: WantsJson) -> Response:
    """Show the newest root runs of a workspace that the user may see."""
    with opened(workspace) as registry:
        access = RunAccess(request, user, registry)
        runs: list[Json] = [run_summary(run) for run in registry.runs.list(limit=_NEWEST) if access.may_see(run)]
    document: dict[str, Json] = {"workspace": workspace, "runs": runs}
    return JSONResponse(document) if as_json else render(request, "runs.html", document)


@app.get("/workspaces/{workspace}/runs/{run_id}", name="run")
def show_run(request: Request, user: GetUserDep, workspace: str, run_id: str, as_json: WantsJson) -> Response:
    """Show one run of any kind."""
    with opened(workspace) as registry:
        run = registry.runs.find(run_id)
        if run is None:
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"workspace {workspace!r} has no run {run_id!r}")
        access = RunAccess(request, user, registry)
        if not access.may_see(run):
            raise HTTPException(status.HTTP_403_FORBIDDEN, f"you may not see the runs of DAG {run.dag_id!r}")
        log = _log_of(registry, run) if access.may_see_log(run) else None
        document = run_document(registry, run, log)
    return JSONResponse(document) if as_json else render(request, "run.html", document)


def _log_of(registry: Registry, run: RunRecord) -> LogTail | None:
    try:
        return read_log_tail(registry, run.id)
    except (OSError, ServiceException, UserErrorException) as error:
        # A store that does not answer must not hide what the registry knows of the run.
        logger.warning("run %s: its log cannot be read: %s", run.id, error)
        return LogTail("the log cannot be read at the moment; the API server's own log says why", is_cut=False)


@app.exception_handler(StarletteHTTPException)
def show_error(request: Request, error: StarletteHTTPException) -> Response:
    """Answer with the error in the form that was asked for; send browsers that are not logged in to the login page."""
    if wants_json(request, request.query_params.get("format")) or "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
    if error.status_code == status.HTTP_401_UNAUTHORIZED:
        airflow = str(request.scope.get("root_path", "")).removesuffix(URL_PREFIX)
        return RedirectResponse(f"{airflow}/api/v2/auth/login?{urlencode({'next': str(request.url)})}")
    return render(request, "error.html", {"detail": error.detail}, error.status_code)
