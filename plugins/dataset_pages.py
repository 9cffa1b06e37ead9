"""The pages of datasets: all of a workspace, and one with its preview, its versions, who made and who used them."""

# No `from __future__ import annotations` here: FastAPI would look the dependencies up by name and take what it does
# not find for fields of the query.

from typing import Annotated, cast

from airflow._shared.secrets_masker import redact
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_asset, requires_access_dag
from fastapi import APIRouter, Depends, HTTPException, Request, Response, status
from fastapi.responses import JSONResponse

from airflow_ml.exceptions import AzureMLException, DatasetNotFoundError
from airflow_ml.graph import Json
from airflow_ml.plugins.access import RunAccess
from airflow_ml.plugins.json_bodies import JsonBody, refused
from airflow_ml.plugins.pages import answer
from airflow_ml.plugins.previews import find_preview, read_preview, start_preview
from airflow_ml.plugins.run_document import run_summary
from airflow_ml.plugins.synced_dags import ThisAirflow, served_workspace
from airflow_ml.plugins.workspaces import opened
from airflow_ml.registry import DatasetRecord, Registry
from airflow_ml.translation.airflow_service import serving

__all__ = ["router"]

#: To Airflow datasets are assets: they belong to no DAG.
router = APIRouter(dependencies=[Depends(requires_access_asset("GET"))])

_PAGE = 50

#: Versions whose definitions are shown; there may be one for each run.
_VERSIONS = 100


@router.get("/workspaces/{workspace}/datasets", name="datasets")
def show_datasets(request: Request, workspace: str, after: str = "") -> Response:
    """Show a page of the registered datasets, by name."""
    with opened(workspace) as registry:
        found = registry.listings.datasets(after=after, limit=_PAGE + 1)
    shown = found[:_PAGE]
    document: dict[str, Json] = {
        "workspace": workspace,
        "datasets": [_summary(record) for record in shown],
        "next": shown[-1].name if len(found) > _PAGE else None,
    }
    return answer(request, "datasets.html", document)


@router.get("/workspaces/{workspace}/datasets/{name}", name="dataset")
def show_dataset(
    request: Request, user: GetUserDep, workspace: str, name: str, version: Annotated[int | None, "the latest"] = None
) -> Response:
    """Show one version of a dataset, and which others there are."""
    with opened(workspace) as registry:
        versions = registry.datasets.versions(name)
        shown = next((item for item in versions if version in (None, item.version)), None)
        if shown is None:
            which = "" if version is None else f" of version {version}"
            raise HTTPException(status.HTTP_404_NOT_FOUND, f"workspace {workspace!r} has no dataset {name!r}{which}")
        access = RunAccess(request, user, registry)
        document: dict[str, Json] = {
            "workspace": workspace,
            **_summary(shown),
            **_preview(registry, access, shown),
            "definition": cast("Json", redact(dict(shown.definition))),
            "producer": _run(registry, access, shown.run_id),
            "consumers": _consumers(registry, access, shown.id),
            "versions": [
                {**_summary(item), "producer": _run(registry, access, item.run_id)} for item in versions[:_VERSIONS]
            ],
        }
    return answer(request, "dataset.html", document)


@router.post(
    "/workspaces/{workspace}/datasets/{name}/preview",
    name="dataset_preview",
    dependencies=[Depends(requires_access_asset("POST"))],
)
def make_preview(
    request: Request, user: GetUserDep, workspace: str, name: str, body: JsonBody, version: int | None = None
) -> Response:
    """Start the run that makes a preview of a dataset in a worker; `user` must be allowed to start runs of its DAG."""
    if isinstance(body, Response):
        return body

    def check(dag_id: str) -> None:
        requires_access_dag("POST", DagAccessEntity.RUN, param_dag_id=dag_id)(request, user)

    with opened(workspace) as registry:
        try:
            record = registry.datasets.by_name(name, "latest" if version is None else version)
        except DatasetNotFoundError as error:
            raise HTTPException(404, f"workspace {workspace!r} has no such version of dataset {name!r}") from error
        try:
            with serving(ThisAirflow(user.get_name())):
                run_id = start_preview(served_workspace(workspace), record, check=check)
        except AzureMLException as error:
            return refused(status.HTTP_409_CONFLICT, str(error))
    return JSONResponse({"run_id": run_id}, status.HTTP_202_ACCEPTED)


def _preview(registry: Registry, access: RunAccess, record: DatasetRecord) -> dict[str, Json]:
    """Return the preview and the run that makes it, for those who may read what that run wrote."""
    run = find_preview(registry, record)
    if run is None or not access.may_see_files(run):
        return {"preview": None, "preview_run": None, "is_live": False}
    return {"preview": read_preview(registry, run), "preview_run": run_summary(run), "is_live": not run.is_final}


def _summary(record: DatasetRecord) -> dict[str, Json]:
    return {
        "id": record.id,
        "name": record.name,
        "version": record.version,
        "description": record.description,
        "tags": cast("dict[str, Json]", redact(dict(record.tags))),
        "type": "tabular" if record.definition.get("kind") == "tabular" else "files",
        "created_at": record.created_at.isoformat(timespec="milliseconds"),
    }


def _run(registry: Registry, access: RunAccess, run_id: str | None) -> dict[str, Json] | None:
    run = registry.runs.find(run_id) if run_id else None
    return run_summary(run) if run is not None and access.may_see(run) else None


def _consumers(registry: Registry, access: RunAccess, dataset_id: str) -> list[Json]:
    found: list[Json] = []
    for item in registry.inputs.of_dataset(dataset_id):
        run = _run(registry, access, item.run_id)
        if run is not None:
            found.append({"input": item.name, "mode": item.mode, "run": run})
    return found
