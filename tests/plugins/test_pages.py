"""The pages of pipelines, datasets, compute and comparisons, and the ways that lead there from Airflow."""

import json
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import pytest

from airflow_ml.graph import Graph, InputPort, OutputPort, Parameter, Step, StepOutputSource, WorkspaceRef, to_json
from airflow_ml.plugins.pages import STATIC
from airflow_ml.registry import MetricPoint, Registry, RunInputRecord, RunRecord, open_registry

pytestmark = pytest.mark.airflow

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
TEAM = "/airflow-ml/workspaces/team"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

GRAPH = Graph(
    "digits",
    WorkspaceRef("team"),
    steps=(
        Step("prepare", "prepare <data>", "python_script", outputs=(OutputPort("tables"),)),
        Step("train", "train", "python_script", inputs=(InputPort("tables", StepOutputSource("prepare", "tables")),)),
    ),
    parameters=(Parameter("rate", "number", 0.5), Parameter("api_key", "string", "hidden")),
)


def run_pipeline(registry: Registry, dag_id: str, number: int = 1, **options: object) -> RunRecord:
    """Record a pipeline run."""
    return registry.runs.open_pipeline(
        "exp", "digits", dag_id=dag_id, dag_run_id=f"run {number}", graph_json=to_json(GRAPH), **options
    )


def run_step(registry: Registry, parent: RunRecord, node: str = "train", **options: object) -> RunRecord:
    """Record a step run below a pipeline run."""
    return registry.runs.create("exp", node, kind="step", parent_id=parent.id, node_id=node, **options)


def test_pipelines_say_how_their_last_runs_went(client: object, registry: Registry) -> None:
    """Success counts runs that have ended, reuse counts steps; DAGs that may not be read are not there."""
    for number, status in enumerate(("Completed", "Failed", "Running")):
        run = run_pipeline(registry, "digits", number)
        run_step(registry, run)
        reused = {"azureml.reusedrunid": "x", "azureml.isreused": "true"}
        run_step(registry, run, "prepare", properties=reused)
        registry.runs.set_status(run.id, status)
    run_pipeline(registry, "secret-dag")

    (row,) = client.get(f"{TEAM}/pipelines?format=json").json()["dags"]

    assert (row["dag_id"], row["ended"], row["completed"]) == ("digits", 2, 1)
    assert (row["recent_steps"], row["reused_steps"]) == (6, 3)
    assert [run["status"] for run in row["recent"]] == ["Completed", "Failed", "Running"]
    assert "50 %" in client.get(f"{TEAM}/pipelines", headers=BROWSER).text


def test_dags_come_in_pages(client: object, registry: Registry) -> None:
    """The next page begins behind the last DAG of this one."""
    for number in range(30):
        run_pipeline(registry, f"dag{number:02}")

    first = client.get(f"{TEAM}/pipelines?format=json").json()
    second = client.get(f"{TEAM}/pipelines?format=json&after={first['next_dag']}").json()

    assert [len(page["dags"]) for page in (first, second)] == [25, 5]
    assert second["next_dag"] is None


def test_a_published_pipeline_shows_graph_parameters_and_runs(client: object, registry: Registry) -> None:
    """Its runs are those that name it; a default whose name says that it is a secret is masked."""
    record = registry.published_pipelines.add("digits", graph_json=to_json(GRAPH), steps=2, version="3")
    run = run_pipeline(registry, "digits", properties={"azureml.pipelineid": record.id})

    document = client.get(f"{TEAM}/pipelines/{record.id}?format=json").json()
    page = client.get(f"{TEAM}/pipelines/{record.id}", headers=BROWSER).text

    assert [step["needs"] for step in document["graph"]["steps"]] == [[], ["prepare"]]
    assert [(item["name"], item["default"]) for item in document["parameters"]] == [("rate", 0.5), ("api_key", "***")]
    assert [item["id"] for item in document["runs"]] == [run.id]
    assert "prepare &lt;data&gt;" in page
    assert client.get(f"{TEAM}/pipelines/none").status_code == 404


def test_the_graph_of_a_run_shows_each_steps_state(client: object, registry: Registry) -> None:
    """A step that has not begun is drawn too; of several attempts the newest counts."""
    run = run_pipeline(registry, "digits")
    registry.runs.set_status(run_step(registry, run, "prepare").id, "Failed")
    newest = run_step(registry, run, "prepare", status="Completed")

    document = client.get(f"{TEAM}/runs/{run.id}?format=json").json()

    assert [(step["id"], step["status"]) for step in document["graph"]["steps"]] == [
        ("prepare", "Completed"),
        ("train", "NotStarted"),
    ]
    assert document["graph"]["steps"][0]["run_id"] == newest.id
    assert "data-live" in client.get(f"{TEAM}/runs/{run.id}", headers=BROWSER).text


def test_a_run_that_has_ended_is_not_asked_for_again(client: object, registry: Registry) -> None:
    """Only pages of runs that go on keep themselves up to date."""
    run = registry.runs.set_status(run_pipeline(registry, "digits").id, "Completed")

    assert "data-live" not in client.get(f"{TEAM}/runs/{run.id}", headers=BROWSER).text


def test_runs_are_narrowed_and_come_in_pages(client: object, registry: Registry) -> None:
    """What the query asks for stays asked for on the next page."""
    for number in range(60):
        run_pipeline(registry, "digits", number, tags={"colour": "blue" if number else "red"})
    registry.runs.create("other", "script", kind="script")

    first = client.get(f"{TEAM}/runs?format=json&experiment=exp").json()
    second = client.get(f"{TEAM}/runs?format=json&experiment=exp&before={first['next']}").json()

    assert [len(page["runs"]) for page in (first, second)] == [50, 10]
    assert second["next"] is None
    assert len(client.get(f"{TEAM}/runs?format=json&tag=colour=red").json()["runs"]) == 1
    assert (
        f"experiment=exp&amp;before={first['next']}" in client.get(f"{TEAM}/runs?experiment=exp", headers=BROWSER).text
    )


def test_runs_that_may_not_be_seen_do_not_cut_the_list(client: object, registry: Registry) -> None:
    """Who may see few of the runs gets those, from further back."""
    seen = run_pipeline(registry, "open")
    for number in range(70):
        run_pipeline(registry, "secret-dag", number)

    page = client.get(f"{TEAM}/runs?format=json").json()

    assert [run["id"] for run in page["runs"]] == [seen.id]


def test_runs_side_by_side(client: object, registry: Registry) -> None:
    """Metrics of steps are there under the steps' names; what is not the same in all is marked."""
    runs = [run_pipeline(registry, "digits", n, details={"parameters": {"rate": n, "same": 1}}) for n in range(2)]
    for run in runs:
        step = run_step(registry, run)
        registry.metrics.append([MetricPoint(step.id, "loss", "scalar", 1.0 / (n + 1), NOW) for n in range(3)])
    hidden = run_pipeline(registry, "secret-dag")

    wanted = ",".join(run.id for run in (*runs, hidden))
    document = client.get(f"{TEAM}/compare?runs={wanted}&format=json").json()

    assert [run["id"] for run in document["runs"]] == [run.id for run in runs]
    assert document["missing"] == 1
    assert {row["name"]: row["differs"] for row in document["parameters"]} == {"rate": True, "same": False}
    assert [row["name"] for row in document["metrics"]] == ["train / loss"]
    assert len(document["charts"][0]["series"]) == 2
    assert client.get(f"{TEAM}/compare?runs={runs[0].id}&runs={runs[1].id}", headers=BROWSER).status_code == 200
    assert client.get(f"{TEAM}/compare?runs={','.join(map(str, range(11)))}").status_code == 422


def test_a_dataset_shows_versions_producer_and_consumers(client: object, registry: Registry) -> None:
    """Runs of DAGs that may not be read are not named; a secret in the definition is masked."""
    producer = run_pipeline(registry, "digits")
    registry.datasets.register("raw", {"kind": "tabular", "sources": [{"password": "p"}]}, run_id=producer.id)
    latest = registry.datasets.register("raw", {"kind": "file"}, create_new_version=True)
    for number, dag_id in enumerate(("digits", "secret-dag")):
        run = run_pipeline(registry, dag_id, number + 10)
        used = RunInputRecord(run.id, "in", "mount", "dataset", dataset_id=latest.id, dataset_name="raw")
        registry.inputs.record(run.id, [used])

    document = client.get(f"{TEAM}/datasets/raw?format=json").json()
    first = client.get(f"{TEAM}/datasets/raw?format=json&version=1").json()

    assert (document["version"], [item["version"] for item in document["versions"]]) == (2, [2, 1])
    assert len(document["consumers"]) == 1
    assert (first["type"], first["producer"]["id"]) == ("tabular", producer.id)
    assert first["definition"]["sources"] == [{"password": "***"}]
    assert client.get(f"{TEAM}/datasets/raw?version=3").status_code == 404
    assert [item["name"] for item in client.get(f"{TEAM}/datasets?format=json").json()["datasets"]] == ["raw"]


def test_compute_shows_pools_and_devices(client: object, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target without a pool says how many slots it will have."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session

    monkeypatch.setenv("AIRFLOW_ML_DEVICES", "fake:2")
    registry.compute_targets.put("gpu", type="AmlCompute", settings={"max_nodes": 3})
    registry.compute_targets.put("new", type="AmlCompute", settings={"max_nodes": 2})
    registry.compute_targets.put("odd", type="AmlCompute", settings={"vm_size": "of my own"})
    with create_session(scoped=False) as session:
        Pool.create_or_update_pool("gpu", slots=3, description="", include_deferred=True, session=session)

    document = client.get(f"{TEAM}/compute?format=json").json()

    gpu, new, odd = document["targets"]
    assert (gpu["pool"]["total"], gpu["pool"]["open"], gpu["tasks"]) == (3, 3, [])
    assert (new["pool"], new["slots"]) == (None, 2)
    assert "of my own" in odd["problem"]
    assert [device["state"] for device in document["machine"]["devices"]] == ["free", "free"]
    assert client.get(f"{TEAM}/compute", headers=BROWSER).status_code == 200


def test_compute_shows_who_waits_and_why(
    client: object, registry: Registry, pool_sync: object, schedule: Callable[..., None]
) -> None:
    """Tasks of DAGs that may not be read are counted alone; a queue that nobody serves is said."""
    from airflow.models.log import Log
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import delete, select, update

    registry.compute_targets.put("gpu", type="AmlCompute", settings={"max_nodes": 3})
    for dag_id in ("seen", "secret-dag"):
        schedule("gpu", {"target": "gpu", "workspace": {"name": "team"}}, dag_id=dag_id)
    pool_sync.look()
    with create_session() as session:
        session.execute(update(TaskInstance).values(state="queued"))
        for task in session.scalars(select(TaskInstance)):
            session.add(Log(event="no worker for queue", task_instance=task.key, owner="x", extra="start a worker"))

    (gpu,) = client.get(f"{TEAM}/compute?format=json").json()["targets"]
    page = client.get(f"{TEAM}/compute", headers=BROWSER).text
    with create_session() as session:
        session.execute(delete(Log))

    assert [(task["dag_id"], task["state"]) for task in gpu["tasks"]] == [("seen", "queued")]
    assert (gpu["hidden"], gpu["pool"]["queued"], gpu["warning"]) == (1, 2, "start a worker")
    assert "start a worker" in page
    assert "secret-dag" not in page


def test_airflows_menu_leads_to_the_only_workspace(client: object, registry: Registry) -> None:
    """Where there are several one is chosen."""
    for topic in ("pipelines", "runs", "datasets", "compute"):
        answer = client.get(f"/airflow-ml/{topic}", headers=BROWSER)
        assert (answer.status_code, answer.headers["location"]) == (303, f"{TEAM}/{topic}")

    open_registry(WorkspaceRef("other")).close()

    assert f'href="{TEAM}/runs"' in client.get("/airflow-ml/runs", headers=BROWSER).text
    assert client.get("/airflow-ml/nowhere").status_code == 404


def test_tabs_of_airflow_lead_to_what_belongs_to_them(client: object, registry: Registry) -> None:
    """A DAG leads to its pipeline's runs, its run to the run of the pipeline, its task to the step's newest attempt."""
    run = run_pipeline(registry, "a dag")
    place = {"dag_id": "a dag", "dag_run_id": "run 1", "task_id": "train"}
    registry.runs.set_status(run_step(registry, run, **place).id, "Failed")
    step = run_step(registry, run, **place)

    led = [
        client.get(f"/airflow-ml/dags/a%20dag{tail}").headers["location"]
        for tail in ("", "/runs/run%201", "/runs/run%201/tasks/train")
    ]

    assert led == [f"{TEAM}/dags/a%20dag", f"{TEAM}/runs/{run.id}", f"{TEAM}/runs/{step.id}"]
    for tail in ("dags/none", "dags/none/runs/1", "dags/a%20dag/runs/run%201/tasks/none"):
        assert "No pipeline" in (text := client.get(f"/airflow-ml/{tail}", headers=BROWSER).text) or "has no" in text
    assert client.get("/airflow-ml/dags/secret-dag/runs/1").status_code == 403


def test_the_tab_of_a_run_that_could_not_be_opened_says_why(client: object, registry: Registry) -> None:
    """A hook that failed before anything was recorded is named there too."""
    run = registry.runs.create("exp", "p", kind="pipeline", dag_id="faulty", details={"dag_run_id": "run 1"})
    registry.runs.set_status(run.id, "Failed", error={"code": "PluginError", "message": "plugin 'odd' raised"})

    place = client.get("/airflow-ml/dags/faulty/runs/run%201").headers["location"]

    assert place == f"{TEAM}/runs/{run.id}"
    assert "plugin &#39;odd&#39; raised" in client.get(place, headers=BROWSER).text


def test_several_pipelines_of_one_dag_run_are_offered(client: object, registry: Registry) -> None:
    """Pipelines in task groups of one DAG are told apart by whoever looks."""
    runs = [run_pipeline(registry, "both", group_id=group) for group in ("first", "second")]

    found = client.get("/airflow-ml/dags/both/runs/run%201?format=json").json()["runs"]

    assert [run["id"] for run in found] == [run.id for run in runs]


def test_a_page_without_a_login(stranger: object) -> None:
    """Every page wants a user; what every copy of the package has is there for all, and may be kept."""
    for path in ("", "pipelines", "dags/a", "dags/a/runs/1", "dags/a/runs/1/tasks/t", "workspaces/team/pipelines"):
        assert stranger.get(f"/airflow-ml/{path}").status_code == 401
    for topic in ("pipelines/x", "dags/x", "compare", "datasets", "datasets/x", "compute", "runs/x/code"):
        assert stranger.get(f"{TEAM}/{topic}").status_code == 401

    assert stranger.get("/airflow-ml/static/airflow_ml.js").status_code == 200


def test_nothing_is_fetched_from_elsewhere_or_run_inline() -> None:
    """Templates have no scripts or styles of their own, and name no other server."""
    templates = Path(STATIC).with_name("templates").glob("*.html")

    for text in (file.read_text() for file in templates):
        assert not [word for word in ("http://", "https://", "<style", " style=", "onclick", "|safe") if word in text]
        assert text.count("<script") == text.count("<script src=") + text.count("<script defer src=")


def test_the_chart_library_is_the_released_one() -> None:
    """Its files are those of uPlot 1.6.32, with its licence beside them."""
    import hashlib

    digests = {file.name: hashlib.sha256(file.read_bytes()).hexdigest()[:16] for file in (STATIC / "uplot").iterdir()}

    assert json.dumps(digests, sort_keys=True) == UPLOT
    assert "MIT" in (STATIC / "uplot" / "LICENSE").read_text()


#: The first digits of each file's SHA-256.
UPLOT = json.dumps(
    {"LICENSE": "8f989229699b4fe2", "uPlot.iife.min.js": "19c8d4c6ad88929a", "uPlot.min.css": "df630c6a8d6f8eea"},
    sort_keys=True,
)
