"""The REST endpoints of published pipelines on the API server, asked through the application without a server."""

import json
from pathlib import Path

import pytest

from airflow_ml.graph import Graph, Parameter, Step, WorkspaceRef, to_json
from airflow_ml.registry import PublishedPipelineRecord, Registry
from airflow_ml.translation.rest_paths import submit_path
from airflow_ml.translation.rest_runs import MAX_BODY

pytestmark = pytest.mark.airflow

BODY = {"ExperimentName": "e", "ParameterAssignments": {"rate": 1}}


@pytest.fixture
def published(registry: Registry) -> PublishedPipelineRecord:
    """Publish a pipeline with one parameter."""
    graph = Graph("p", WorkspaceRef("team"), (Step("s", "s", "k"),), parameters=(Parameter("rate", "integer", 1),))
    return registry.published_pipelines.add("p", graph_json=to_json(graph), steps=1)


@pytest.fixture
def path(published: PublishedPipelineRecord) -> str:
    """Return the pipeline's path on the API server."""
    return f"/airflow-ml{submit_path(WorkspaceRef('team'), published.id)}"


@pytest.fixture
def service(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a DAG bundle of this Airflow have the workspace."""
    path = "airflow_ml.translation.bundle.WorkspaceBundle"
    bundle = {"name": "team", "classpath": path, "kwargs": {"workspace": "team"}}
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", json.dumps([bundle]))


def test_nobody_is_refused(stranger: object, path: str, service: None) -> None:
    """Without a user of Airflow nothing is started."""
    assert stranger.post(path, json=BODY).status_code == 401


def test_a_user_who_may_not_start_runs_is_refused(client: object, path: str, service: None, registry: Registry) -> None:
    """Whoever may only look at DAGs starts nothing, and no run is recorded."""
    assert client.post(path, json=BODY).status_code == 403
    assert registry.runs.list() == []


def test_another_airflow_says_what_to_do(admin: object, path: str) -> None:
    """An Airflow without a DAG bundle of the workspace does not know the DAGs of published pipelines."""
    answer = admin.post(path, json=BODY)

    assert answer.status_code == 501
    assert "no DAG bundle of this Airflow has workspace 'team'; add one" in answer.json()["error"]["message"]


def test_what_is_not_there_is_not_found(admin: object, path: str, service: None) -> None:
    """Neither another workspace nor another id is known."""
    assert admin.post(path.replace("/team/", "/other/"), json=BODY).status_code == 404
    answer = admin.post(f"{path}x", json=BODY)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NotFound")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "ExperimentName of the body: it is missing"),
        ({**BODY, "ParameterAssignments": {"x": 1}}, "no parameter 'x'; it declares: rate"),
    ],
)
def test_what_is_wrong_is_said(admin: object, path: str, service: None, body: dict, words: str) -> None:
    """The answer is 400 in the form of v1's services, with the sentence that submit would raise."""
    answer = admin.post(path, json=body)

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "UserError")
    assert words in answer.json()["error"]["message"]


def test_a_disabled_pipeline_takes_no_runs(
    admin: object, path: str, service: None, published: PublishedPipelineRecord, registry: Registry
) -> None:
    """It is refused in one sentence."""
    registry.published_pipelines.set_active(published.id, active=False)

    answer = admin.post(path, json=BODY)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].endswith("is Disabled and takes no runs; enable it first")


def test_only_json_of_a_decent_size_is_read(admin: object, path: str, service: None) -> None:
    """A form, which a page of another site could send, and a body beyond the limit are refused."""
    assert admin.post(path, data={"ExperimentName": "e"}).status_code == 415
    json_type = {"Content-Type": "application/json; charset=utf-8"}
    assert admin.post(path, content=b" " * (MAX_BODY + 1), headers=json_type).status_code == 413
