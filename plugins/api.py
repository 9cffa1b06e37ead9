"""
The web application below `/airflow-ml` of Airflow's API server: it puts together what the other modules answer.

Every route shows a user what Airflow's auth manager lets this user see of the DAGs that runs belong to. Pages answer
with the same as JSON where `?format=json` or an Accept header asks for it. The application's start also starts the
thread that makes pools.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import requires_access_view
from fastapi import Depends, FastAPI, Request, Response, status
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException

from airflow_ml.plugins import (
    airflow_pages,
    compare_pages,
    compute_pages,
    dag_sync,
    dataset_pages,
    file_pages,
    pipeline_pages,
    rest,
    run_pages,
)
from airflow_ml.plugins.pages import STATIC, render, wants_json
from airflow_ml.plugins.pool_sync import running_pool_sync

__all__ = ["URL_PREFIX", "app"]

URL_PREFIX = "/airflow-ml"

#: Those who may not even see Airflow's own pages see none of ours.
_READERS = [Depends(requires_access_view(AccessView.WEBSITE))]


@asynccontextmanager
async def _lifespan(_app: FastAPI) -> AsyncIterator[None]:
    with running_pool_sync():
        yield


app = FastAPI(title="airflow-ml", lifespan=_lifespan, docs_url=None, redoc_url=None, openapi_url=None)
app.include_router(rest.router)
app.include_router(dag_sync.router)
for pages in (pipeline_pages, run_pages, file_pages, compare_pages, dataset_pages, compute_pages, airflow_pages):
    app.include_router(pages.router, dependencies=_READERS)
# Nothing but what every copy of this package has: it needs no login.
app.mount("/static", StaticFiles(directory=STATIC), name="static")


@app.exception_handler(StarletteHTTPException)
def show_error(request: Request, error: StarletteHTTPException) -> Response:
    """Answer with the error in the form that was asked for; send browsers that are not logged in to the login page."""
    if wants_json(request, request.query_params.get("format")) or "text/html" not in request.headers.get("accept", ""):
        return JSONResponse({"detail": error.detail}, error.status_code, error.headers)
    if error.status_code == status.HTTP_401_UNAUTHORIZED:
        airflow = str(request.scope.get("root_path", "")).removesuffix(URL_PREFIX)
        return RedirectResponse(f"{airflow}/api/v2/auth/login?{urlencode({'next': str(request.url)})}")
    return render(request, "error.html", {"detail": error.detail}, error.status_code)
