"""
Downloads: files of outputs, files of runs, and whole logs.

Everything is sent as an attachment that no browser interprets. The one exception are pictures of four formats that
hold no scripts, for the pages that show them.
"""

# No `from __future__ import annotations` here: FastAPI would look the dependencies up by name and take what it does
# not find for fields of the query.

from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, HTTPException, Request, Response, status
from fastapi.responses import StreamingResponse

from airflow_ml.execution.artifacts import LOG_NAME
from airflow_ml.plugins.access import RunAccess
from airflow_ml.plugins.run_files import FoundFile, find_artifact, find_output_file
from airflow_ml.plugins.run_pages import seen_run
from airflow_ml.registry import Registry, RunRecord

__all__ = ["router"]

router = APIRouter()

_CHUNK = 1 << 20

#: By the end of the name; what SVG is not among: it can hold scripts.
_PICTURES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "private, no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}

#: Folders of a run's files that hold what Airflow would have in the task's log.
_LOGS = ("user_logs/", "azureml-logs/", "system_logs/")


@router.get("/workspaces/{workspace}/runs/{run_id}/outputs/{name}/file", name="output_file")
def send_output_file(
    request: Request, user: GetUserDep, workspace: str, run_id: str, name: str, path: str = ""
) -> Response:
    """Send a file that the output's manifest names."""
    with seen_run(request, user, workspace, run_id) as (registry, run):
        _require(RunAccess(request, user, registry).may_see_files(run), run)
        return _sent(find_output_file(registry, run, name, path))


@router.get("/workspaces/{workspace}/runs/{run_id}/file", name="run_file")
def send_run_file(request: Request, user: GetUserDep, workspace: str, run_id: str, name: str) -> Response:
    """Send a file that the run has left."""
    with seen_run(request, user, workspace, run_id) as (registry, run):
        return _sent(_visible_artifact(request, user, registry, run, name))


@router.get("/workspaces/{workspace}/runs/{run_id}/picture", name="run_picture")
def send_picture(request: Request, user: GetUserDep, workspace: str, run_id: str, name: str) -> Response:
    """Send a picture that the run has left, for showing it."""
    kind = _PICTURES.get(name.rpartition(".")[2].lower())
    if kind is None:
        raise HTTPException(status.HTTP_415_UNSUPPORTED_MEDIA_TYPE, f"file {name!r} is no picture that is shown")
    with seen_run(request, user, workspace, run_id) as (registry, run):
        return _sent(_visible_artifact(request, user, registry, run, name), kind)


@router.get("/workspaces/{workspace}/runs/{run_id}/log", name="run_log")
def send_log(request: Request, user: GetUserDep, workspace: str, run_id: str) -> Response:
    """Send the whole log of a run that has ended."""
    with seen_run(request, user, workspace, run_id) as (registry, run):
        return _sent(_visible_artifact(request, user, registry, run, LOG_NAME))


def _visible_artifact(request: Request, user: GetUserDep, registry: Registry, run: RunRecord, name: str) -> FoundFile:
    access = RunAccess(request, user, registry)
    _require(access.may_see_log(run) if name.startswith(_LOGS) else access.may_see_files(run), run)
    return find_artifact(registry, run, name)


def _require(is_allowed: bool, run: RunRecord) -> None:
    if not is_allowed:
        raise HTTPException(status.HTTP_403_FORBIDDEN, f"you may not see what runs of DAG {run.dag_id!r} wrote")


def _sent(file: FoundFile, picture: str | None = None) -> Response:
    """Return the file's bytes as they come; they are not held here."""
    try:
        size, stream = file.store.stat(file.path).size, file.store.open_read(file.path)
    except FileNotFoundError as error:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"file {file.name!r} is not in its place any more") from error
    if size != file.size:
        stream.close()
        raise HTTPException(
            status.HTTP_409_CONFLICT, f"file {file.name!r} was changed since it was committed, and is not sent"
        )
    headers = {**_HEADERS, "Content-Length": str(size)}
    if picture is None:
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file.name, safe='')}"
    return StreamingResponse(_chunks(stream), media_type=picture or "application/octet-stream", headers=headers)


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while chunk := stream.read(_CHUNK):
            yield chunk
