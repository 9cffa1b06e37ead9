"""The pages of runs: a workspace's runs, one run of any kind, the code that it ran, and the files that it wrote."""

# No `from __future__ import annotations` here: FastAPI would look the dependencies up by name and take what it does
# not find for fields of the query.

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, HTTPException, Request, Response, status

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.graph import Json
from airflow_ml.plugins.access import RunAccess
from airflow_ml.plugins.code_document import code_document
from airflow_ml.plugins.pages import answer
from airflow_ml.plugins.run_document import run_document, run_summary
from airflow_ml.plugins.run_files import output_page
from airflow_ml.plugins.run_log import LogTail, read_log_tail
from airflow_ml.plugins.run_table import RunWish, read_page
from airflow_ml.plugins.workspaces import opened
from airflow_ml.registry import RUN_STATUSES, Registry, RunRecord

__all__ = ["router", "seen_run"]

logger = logging.getLogger(__name__)

router = APIRouter()


@contextmanager
def seen_run(request: Request, user: GetUserDep, workspace: str, run_id: str) -> Iterator[tuple[Registry, RunRecord]]:
    """Give a workspace's registry and a run that the user may see; refuse any other."""
    with opened(workspace) as registry:
        run = registry.runs.find(run_id)
        if run is None:
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"workspace {workspace!r} has no run {run_id!r}")
        if not RunAccess(request, user, registry).may_see(run):
            raise HTTPException(status.HTTP_403_FORBIDDEN, f"you may not see the runs of DAG {run.dag_id!r}")
        yield registry, run


@router.get("/workspaces/{workspace}/runs", name="runs")
def show_runs(
    request: Request,
    user: GetUserDep,
    workspace: str,
    experiment: str = "",
    run_status: str = "",
    kind: str = "",
    tag: str = "",
    before: int | None = None,
) -> Response:
    """Show a page of the workspace's runs that the user may see, newest first; root runs unless a kind is asked for."""
    wish = RunWish(experiment=experiment, status=run_status, kind=kind, tag=tag, before=before)
    with opened(workspace) as registry:
        page = read_page(registry, wish, RunAccess(request, user, registry))
        document: dict[str, Json] = {
            "workspace": workspace,
            "runs": [run_summary(run) for run in page.runs],
            "next": page.next,
            "wish": {"experiment": experiment, "run_status": run_status, "kind": kind, "tag": tag},
            "statuses": list(RUN_STATUSES),
        }
    return answer(request, "runs.html", document)


@router.get("/workspaces/{workspace}/runs/{run_id}", name="run")
def show_run(request: Request, user: GetUserDep, workspace: str, run_id: str) -> Response:
    """Show one run of any kind."""
    with seen_run(request, user, workspace, run_id) as (registry, run):
        access = RunAccess(request, user, registry)
        log = _log_of(registry, run) if access.may_see_log(run) else None
        document = run_document(registry, run, log, access)
        document["is_live"] = not run.is_final
        document["may_see_files"] = access.may_see_files(run)
    return answer(request, "run.html", document)


@router.get("/workspaces/{workspace}/runs/{run_id}/code", name="run_code")
def show_code(request: Request, user: GetUserDep, workspace: str, run_id: str) -> Response:
    """Show what a step ran with: the files of its snapshot, its environment, and the state of git."""
    with seen_run(request, user, workspace, run_id) as (registry, run):
        if not RunAccess(request, user, registry).may_see_code(run):
            raise HTTPException(status.HTTP_403_FORBIDDEN, f"you may not see the code of DAG {run.dag_id!r}")
        document = {"workspace": workspace, **run_summary(run), **code_document(registry, run)}
    return answer(request, "code.html", document)


@router.get("/workspaces/{workspace}/runs/{run_id}/outputs/{name}", name="run_output")
def show_output(
    request: Request, user: GetUserDep, workspace: str, run_id: str, name: str, after: str = ""
) -> Response:
    """Show a page of the files of a committed output."""
    with seen_run(request, user, workspace, run_id) as (registry, run):
        if not RunAccess(request, user, registry).may_see_files(run):
            raise HTTPException(status.HTTP_403_FORBIDDEN, f"you may not see what runs of DAG {run.dag_id!r} wrote")
        document = {"workspace": workspace, **run_summary(run), **output_page(registry, run, name, after)}
    return answer(request, "output.html", document)


def _log_of(registry: Registry, run: RunRecord) -> LogTail | None:
    try:
        return read_log_tail(registry, run.id)
    except (OSError, ServiceException, UserErrorException) as error:
        # A store that does not answer must not hide what the registry knows of the run.
        logger.warning("run %s: its log cannot be read: %s", run.id, error)
        return LogTail("the log cannot be read at the moment; the API server's own log says why", is_cut=False)
