"""The pages of runs, asked through the application without a server."""

from datetime import datetime, timezone
from pathlib import Path

import pytest

from airflow_ml.registry import MetricPoint, OutputRecord, Registry, RunInputRecord, RunRecord

pytestmark = pytest.mark.airflow

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
RUNS = "/airflow-ml/workspaces/team/runs"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture
def pipeline(registry: Registry) -> RunRecord:
    """Record a pipeline run of DAG `digits`."""
    return registry.runs.open_pipeline(
        "exp", "pipeline", dag_id="digits", dag_run_id="manual 1", details={"parameters": {"rate": 0.1, "api_key": "k"}}
    )


def make_step(registry: Registry, parent: RunRecord, **options: object) -> RunRecord:
    """Record a step run below a pipeline run."""
    return registry.runs.create("exp", "train", kind="step", parent_id=parent.id, node_id="train", **options)


def test_programs_that_are_not_logged_in_are_refused(stranger: object) -> None:
    """No route answers without a user."""
    for path in (RUNS, f"{RUNS}/x", f"{RUNS}/x?format=json"):
        assert stranger.get(path).status_code == 401


def test_browsers_that_are_not_logged_in_go_to_the_login_page(stranger: object) -> None:
    """After the login Airflow leads back to the page."""
    answer = stranger.get(f"{RUNS}/x", headers=BROWSER)

    assert answer.status_code == 307
    assert answer.headers["location"] == (
        "/api/v2/auth/login?next=http%3A%2F%2Ftestserver%2Fairflow-ml%2Fworkspaces%2Fteam%2Fruns%2Fx"
    )


def test_a_run_as_json(client: object, registry: Registry, pipeline: RunRecord) -> None:
    """The document has what the registry knows of the run, and names what is above and below it."""
    step = make_step(registry, pipeline, started_at=NOW, tags={"colour": "blue"})
    registry.metrics.append([MetricPoint(step.id, "loss", "scalar", float("nan"), NOW)])
    raw = RunInputRecord(step.id, "raw", "mount", "dataset", dataset_name="raw", dataset_version=2)
    registry.inputs.record(step.id, [raw])
    model = OutputRecord(step.id, "model", "file_dataset", "blobs", "a/b", False, "d", "m", 3, 10, NOW)
    registry.outputs.add(step.id, [model])

    document = client.get(f"{RUNS}/{step.id}", headers={"Accept": "application/json"}).json()

    assert (document["name"], document["status"], document["attempt"]) == ("train", "NotStarted", 1)
    assert document["parent"]["id"] == pipeline.id
    assert document["metrics"] == {"loss": "nan"}
    assert document["inputs"][0]["dataset_version"] == 2
    assert (document["outputs"][0]["place"], document["outputs"][0]["files"]) == ("blobs:a/b", 3)
    assert document["tags"] == {"colour": "blue"}
    parent = client.get(f"{RUNS}/{pipeline.id}?format=json").json()
    assert [child["id"] for child in parent["children"]] == [step.id]


def test_secrets_are_masked(client: object, registry: Registry, pipeline: RunRecord) -> None:
    """Values whose names say that they are secrets are never shown; metrics are no secrets, whatever their names."""
    registry.metrics.append([MetricPoint(pipeline.id, "tokens_per_second", "row", {"token": "many"}, NOW)])

    document = client.get(f"{RUNS}/{pipeline.id}?format=json").json()

    assert document["parameters"] == {"rate": 0.1, "api_key": "***"}
    assert document["metrics"] == {"tokens_per_second": {"token": "many"}}


def test_pages_escape_everything(client: object, registry: Registry, pipeline: RunRecord) -> None:
    """What runs say of themselves is text, and the page forbids all scripts but those that come with it."""
    registry.runs.set_tags(pipeline.id, {"<b>tag": "<script>alert(1)</script>"})
    registry.runs.set_display_name(pipeline.id, '"><img src=x onerror=alert(1)>')
    registry.runs.set_status(pipeline.id, "Failed", error={"message": "<i>bad</i>"})

    answer = client.get(f"{RUNS}/{pipeline.id}", headers=BROWSER)

    assert answer.headers["content-type"].startswith("text/html")
    assert not [tag for tag in ("<script>", "<img", "<i>", "<b>") if tag in answer.text]
    assert "&lt;i&gt;bad&lt;/i&gt;" in answer.text
    assert "default-src 'none'; script-src 'self'; style-src 'self'" in answer.headers["content-security-policy"]


def test_links_keep_the_path_of_airflow(server: tuple, client: object, pipeline: RunRecord) -> None:
    """Behind a proxy that serves Airflow below a path, every link of the page has that path."""
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    outer = FastAPI()
    outer.mount("/ai rflow", server[0])
    page = TestClient(outer, headers=client.headers).get(f"/ai rflow{RUNS}/{pipeline.id}?format=html").text

    assert f'href="/ai rflow{RUNS}"' in page
    assert 'href="/ai rflow/dags/digits/runs/manual%201"' in page


def test_a_dag_that_may_not_be_read_hides_its_runs(client: object, registry: Registry, pipeline: RunRecord) -> None:
    """A run, and the runs below it, are shown to those who may read the runs of its DAG."""
    hidden = registry.runs.open_pipeline("exp", "other", dag_id="secret-dag", dag_run_id="1")
    below = registry.runs.create("exp", "child", kind="child", parent_id=make_step(registry, hidden).id)

    assert [client.get(f"{RUNS}/{run.id}").status_code for run in (hidden, below)] == [403, 403]
    assert [run["id"] for run in client.get(f"{RUNS}?format=json").json()["runs"]] == [pipeline.id]


def test_a_log_needs_the_permission_to_read_logs(client: object, registry: Registry) -> None:
    """Whoever may see a DAG's runs but not its logs sees the page without the log."""
    for dag_id in ("quiet", "loud"):
        run = registry.runs.open_pipeline("exp", dag_id, dag_id=dag_id, dag_run_id="1")
        log = registry.home.runs / run.id / "user_logs" / "std_log.txt"
        log.parent.mkdir(parents=True)
        log.write_text("printed")

    found = {run["name"]: run["id"] for run in client.get(f"{RUNS}?format=json").json()["runs"]}

    assert client.get(f"{RUNS}/{found['quiet']}?format=json").json()["log"] is None
    assert client.get(f"{RUNS}/{found['loud']}?format=json").json()["log"] == {"text": "printed", "is_cut": False}


def test_runs_outside_airflow_are_shown(client: object, registry: Registry) -> None:
    """A run that belongs to no DAG is open to everybody who may use Airflow's pages."""
    run = registry.runs.create("exp", "notebook", kind="interactive")

    assert client.get(f"{RUNS}/{run.id}", headers=BROWSER).status_code == 200


def test_the_list_has_the_newest_fifty(client: object, registry: Registry) -> None:
    """Root runs alone are listed, newest first."""
    runs = [registry.runs.create("exp", f"run {number}", kind="script") for number in range(52)]

    listed = client.get(f"{RUNS}?format=json").json()["runs"]

    assert [run["id"] for run in listed] == [run.id for run in reversed(runs[2:])]
    assert client.get(RUNS, headers=BROWSER).text.count("/runs/") == 50


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/airflow-ml/workspaces/nowhere/runs", "workspace 'nowhere' is not known to this Airflow"),
        ("/airflow-ml/workspaces/cache/runs/x", "workspace 'cache' is not known to this Airflow"),
        (f"{RUNS}/unknown", "workspace 'team' has no run 'unknown'"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(client: object, home: Path, path: str, words: str) -> None:
    """Both forms of the answer say what is not there, without places of the machine, and make nothing."""
    answers = [client.get(path), client.get(path, headers=BROWSER)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["detail"].startswith(words)
    assert not [answer for answer in answers if str(home) in answer.text]
    assert not (home / "nowhere").exists()


def test_a_broken_registry_is_a_temporary_failure(client: object, home: Path) -> None:
    """A registry that cannot be read is answered for with 503 and a sentence."""
    (home / "broken").mkdir()
    (home / "broken" / "registry.db").write_text("no database")

    answer = client.get("/airflow-ml/workspaces/broken/runs")

    assert answer.status_code == 503
    assert answer.json()["detail"].startswith("workspace 'broken' cannot be read")


def test_reused_steps_are_marked_and_say_why(client: object, registry: Registry, pipeline: RunRecord) -> None:
    """The page of a pipeline run marks reused steps, sums up what they saved and says why others ran; all escaped."""
    original = registry.runs.create("exp", "train", kind="step", node_id="train")
    details = {"decision": "reused", "reason": f"reused from {original.id}", "run_id": original.id, "saved_seconds": 90}
    reused = make_step(
        registry, pipeline, status="Completed", details={"reuse": details}, properties={"azureml.isreused": "true"}
    )
    details = {"decision": "ran", "reason": "ran: <b>train.py</b> changed", "reasons": ["<b>train.py</b> changed"]}
    registry.runs.create("exp", "score", kind="step", parent_id=pipeline.id, node_id="s", details={"reuse": details})

    page = client.get(f"{RUNS}/{pipeline.id}", headers=BROWSER).text
    own = client.get(f"{RUNS}/{reused.id}", headers=BROWSER).text
    document = client.get(f"{RUNS}/{reused.id}?format=json").json()

    assert "1 of 2, saved 1 min 30 s" in page
    assert page.count(">Reused</span>") == 1
    assert "ran: &lt;b&gt;train.py&lt;/b&gt; changed" in page
    assert f'runs/{original.id}">see that run</a>' in own
    assert (document["is_reused"], document["saved_seconds"], document["original"]["id"]) == (True, 90, original.id)
