"""The pages of datasets: all of a workspace, and one with its versions, who made them and who used them."""

# No `from __future__ import annotations` here: FastAPI would look the dependencies up by name and take what it does
# not find for fields of the query.

from typing import Annotated, cast

from airflow._shared.secrets_masker import redact
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_asset
from fastapi import APIRouter, Depends, HTTPException, Request, Response, status

from airflow_ml.graph import Json
from airflow_ml.plugins.access import RunAccess
from airflow_ml.plugins.pages import answer
from airflow_ml.plugins.run_document import run_summary
from airflow_ml.plugins.workspaces import opened
from airflow_ml.registry import DatasetRecord, Registry

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
            "definition": cast("Json", redact(dict(shown.definition))),
            "producer": _run(registry, access, shown.run_id),
            "consumers": _consumers(registry, access, shown.id),
            "versions": [
                {**_summary(item), "producer": _run(registry, access, item.run_id)} for item in versions[:_VERSIONS]
            ],
        }
    return answer(request, "dataset.html", document)


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
