"""
Where Airflow's own pages lead: its navigation, and the tabs of DAGs, of their runs and of their tasks.

Those addresses name no workspace, so that each is answered with the page that belongs there.
"""

# No `from __future__ import annotations` here: FastAPI would look the dependencies up by name and take what it does
# not find for fields of the query.

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote

from airflow.api_fastapi.core_api.security import GetUserDep
from fastapi import APIRouter, HTTPException, Request, Response, status
from fastapi.responses import RedirectResponse

from airflow_ml.graph import Json
from airflow_ml.plugins.access import RunAccess
from airflow_ml.plugins.pages import answer
from airflow_ml.plugins.run_document import run_summary
from airflow_ml.plugins.workspaces import known_workspaces, opened
from airflow_ml.registry import Registry, RunRecord

__all__ = ["router"]

router = APIRouter()

#: Runs of a DAG among which one that could not be opened is looked for.
_NEWEST = 50

_TOPICS = ("pipelines", "runs", "datasets", "compute")


@router.get("/", name="start")
@router.get("/{topic}", name="topic")
def show_topic(request: Request, topic: str = "pipelines") -> Response:
    """Lead to a topic's page in the one workspace that there is, or have one chosen."""
    if topic not in _TOPICS:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"there is no page {topic!r}")
    names = known_workspaces()
    if len(names) == 1:
        return _led_to(request, names[0], topic)
    return answer(request, "workspaces.html", {"workspaces": list(names), "topic": topic})


@router.get("/dags/{dag_id}", name="airflow_dag")
def show_dag(request: Request, user: GetUserDep, dag_id: str) -> Response:
    """Lead from a DAG to its pipeline's runs."""
    for workspace, registry in _registries():
        access = RunAccess(request, user, registry)
        if not access.may_see_dag(dag_id):
            break
        if registry.listings.pipeline_runs(dag_id, limit=1):
            return _led_to(request, workspace, "dags", dag_id)
    return answer(request, "nothing.html", {"what": "No pipeline of a workspace has run in this DAG yet."})


@router.get("/dags/{dag_id}/runs/{dag_run_id}", name="airflow_run")
def show_dag_run(request: Request, user: GetUserDep, dag_id: str, dag_run_id: str) -> Response:
    """Lead from a run of a DAG to the pipeline's run in it, or have one chosen where there are several."""
    found = _runs_of(request, user, dag_id, dag_run_id)
    return _chosen(request, found, "This run of the DAG has no pipeline of a workspace in it, or none has started yet.")


@router.get("/dags/{dag_id}/runs/{dag_run_id}/tasks/{task_id}", name="airflow_task")
def show_task(request: Request, user: GetUserDep, dag_id: str, dag_run_id: str, task_id: str) -> Response:
    """Lead from a task to the run of its step; of several attempts to the newest one."""
    found: list[tuple[str, RunRecord]] = []
    for workspace, run in _runs_of(request, user, dag_id, dag_run_id):
        with opened(workspace) as registry:
            steps = [run, *registry.runs.children(run.id)]
        own = [step for step in steps if step.task_id == task_id and step.dag_run_id == dag_run_id]
        newest = {step.node_id: step for step in reversed(own)}
        found += [(workspace, step) for step in newest.values()]
    return _chosen(request, found, "This task has no run in a workspace, or has not started yet.")


def _registries() -> Iterator[tuple[str, Registry]]:
    for name in known_workspaces():
        # One workspace that cannot be read must not hide the others.
        with suppress(HTTPException), opened(name) as registry:
            yield name, registry


def _runs_of(request: Request, user: GetUserDep, dag_id: str, dag_run_id: str) -> list[tuple[str, RunRecord]]:
    found: list[tuple[str, RunRecord]] = []
    for workspace, registry in _registries():
        if not RunAccess(request, user, registry).may_see_dag(dag_id):
            raise HTTPException(status.HTTP_403_FORBIDDEN, f"you may not see the runs of DAG {dag_id!r}")
        runs = registry.listings.pipeline_runs(dag_id, dag_run_id=dag_run_id) or _refused(registry, dag_id, dag_run_id)
        found += [(workspace, run) for run in reversed(runs)]
    return found


def _refused(registry: Registry, dag_id: str, dag_run_id: str) -> list[RunRecord]:
    """Return runs that could not be opened, and so do not have their place in Airflow (a hook's fault)."""
    newest = registry.listings.pipeline_runs(dag_id, limit=_NEWEST)
    return [run for run in newest if run.details.get("dag_run_id") == dag_run_id][:1]


def _chosen(request: Request, found: list[tuple[str, RunRecord]], nothing: str) -> Response:
    if len(found) == 1:
        workspace, run = found[0]
        return _led_to(request, workspace, "runs", run.id)
    if not found:
        return answer(request, "nothing.html", {"what": nothing})
    runs: list[Json] = [{**run_summary(run), "workspace": workspace} for workspace, run in found]
    return answer(request, "choice.html", {"runs": runs})


def _led_to(request: Request, workspace: str, *parts: str) -> Response:
    place = "/".join(quote(part, safe="") for part in ("workspaces", workspace, *parts))
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"{request.scope.get('root_path', '')}/{place}{query}", status.HTTP_303_SEE_OTHER)
