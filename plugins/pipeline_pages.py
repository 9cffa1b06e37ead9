"""The pages of pipelines: all of a workspace, one that was published, and one DAG's."""

# No `from __future__ import annotations` here: FastAPI would look the dependencies up by name and take what it does
# not find for fields of the query.

from typing import cast

from airflow._shared.secrets_masker import redact
from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, HTTPException, Request, Response, status

from airflow_ml.execution.publishing import stored_graph
from airflow_ml.graph import Graph, Json
from airflow_ml.plugins.access import RunAccess
from airflow_ml.plugins.graph_document import drawn_graph
from airflow_ml.plugins.pages import answer
from airflow_ml.plugins.pipeline_document import dag_rows, published_rows, runs_of_published
from airflow_ml.plugins.run_document import run_summary
from airflow_ml.plugins.workspaces import opened
from airflow_ml.registry import PublishedPipelineNotFoundError

__all__ = ["router"]

router = APIRouter()

_RUNS = 50


@router.get("/workspaces/{workspace}/pipelines", name="pipelines")
def show_pipelines(
    request: Request, user: GetUserDep, workspace: str, after: str = "", before: str | None = None
) -> Response:
    """Show a page of the published pipelines and a page of the DAGs, each with how it went lately."""
    with opened(workspace) as registry:
        access = RunAccess(request, user, registry)
        dags, next_dag = dag_rows(registry, access, after)
        published, next_published = published_rows(registry, access, before)
    document: dict[str, Json] = {
        "workspace": workspace,
        "dags": dags,
        "next_dag": next_dag,
        "published": published,
        "next_published": next_published,
    }
    return answer(request, "pipelines.html", document)


@router.get("/workspaces/{workspace}/pipelines/{pipeline_id}", name="pipeline")
def show_pipeline(request: Request, user: GetUserDep, workspace: str, pipeline_id: str) -> Response:
    """Show a published pipeline: its steps, its parameters, and its newest runs."""
    with opened(workspace) as registry:
        access = RunAccess(request, user, registry)
        try:
            record = registry.published_pipelines.get(pipeline_id)
            graph = stored_graph(registry, pipeline_id)
        except PublishedPipelineNotFoundError as error:
            raise HTTPException(
                status.HTTP_404_NOT_FOUND, f"workspace {workspace!r} has no published pipeline {pipeline_id!r}"
            ) from error
        document: dict[str, Json] = {
            "workspace": workspace,
            "id": record.id,
            "name": record.name,
            "version": record.version,
            "status": record.status,
            "description": record.description,
            "created_at": record.created_at.isoformat(timespec="milliseconds"),
            "parameters": _parameters(graph),
            "graph": drawn_graph(graph, {}),
            "runs": [run_summary(run) for run in runs_of_published(registry, access, pipeline_id, _RUNS)],
        }
    return answer(request, "pipeline.html", document)


@router.get("/workspaces/{workspace}/dags/{dag_id}", name="dag_pipelines")
def show_dag(request: Request, user: GetUserDep, workspace: str, dag_id: str) -> Response:
    """Show the newest pipeline runs of a DAG."""
    with opened(workspace) as registry:
        if not RunAccess(request, user, registry).may_see_dag(dag_id):
            raise HTTPException(status.HTTP_403_FORBIDDEN, f"you may not see the runs of DAG {dag_id!r}")
        runs = registry.listings.pipeline_runs(dag_id, limit=_RUNS)
        counts = registry.listings.step_counts(run.id for run in runs)
        document: dict[str, Json] = {
            "workspace": workspace,
            "dag_id": dag_id,
            "runs": [
                {**run_summary(run), "steps": counts[run.id].steps, "reused": counts[run.id].reused} for run in runs
            ],
        }
    return answer(request, "dag.html", document)


def _parameters(graph: Graph) -> list[Json]:
    """Return the parameters with their defaults; values whose names say that they are secrets are masked."""
    defaults = cast("dict[str, Json]", redact({item.name: item.default for item in graph.parameters}))
    return [{"name": item.name, "kind": item.kind, "default": defaults[item.name]} for item in graph.parameters]
