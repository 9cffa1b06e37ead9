"""Previews of datasets."""

import json

import pytest

from airflow_ml.core import Workspace
from airflow_ml.data.dataset_factory import TabularDatasetFactory
from airflow_ml.execution.stores import Stores
from airflow_ml.graph import WorkspaceRef
from airflow_ml.pipeline.core import PipelineRun
from airflow_ml.registry import ArtifactRecord, Registry

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]

RAW = "/airflow-ml/workspaces/team/datasets/raw"
JSON = {"Content-Type": "application/json"}


def write_preview(registry: Registry, dataset_id: str, text: str, dag_id: str = "previews") -> None:
    """Record a run as if a worker had made a preview."""
    tags = {"airflow_ml.preview": dataset_id}
    run = registry.runs.open_pipeline("dataset-previews", "preview", dag_id=dag_id, dag_run_id="1", tags=tags)
    step = registry.runs.create("dataset-previews", "preview", kind="step", parent_id=run.id, node_id="preview")
    Stores(registry).artifacts.write("preview.json", text.encode())
    record = ArtifactRecord(step.id, "outputs/preview.json", "workspaceartifactstore", "preview.json", len(text))
    registry.artifacts.add(step.id, [record])


def test_a_preview_is_made_by_a_run(client: object, registry: Registry) -> None:
    """A step of its own reads the first rows, and the page shows what it wrote down."""
    from airflow_ml.plugins.previews import start_preview

    registry.runs  # noqa: B018 - the workspace is there before the datastore is asked for
    workspace = Workspace.get("team")
    folder = registry.home.store("workspaceblobstore")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "raw.csv").write_text("x,name\n" + "".join(f"{n},<b>{n}</b>\n" for n in range(100)))
    table = TabularDatasetFactory.from_delimited_files((workspace.get_default_datastore(), "raw.csv"))
    table.register(workspace, "raw")
    asked: list[str] = []

    run_id = start_preview(WorkspaceRef("team"), registry.datasets.by_name("raw"), check=asked.append)
    PipelineRun.get(workspace, run_id).wait_for_completion(show_output=False)

    document = client.get(f"{RAW}?format=json").json()
    assert (len(document["preview"]["rows"]), document["preview"]["rows"][1]) == (50, ["1", "<b>1</b>"])
    assert [column.split()[0] for column in document["preview"]["columns"]] == ["x", "name"]
    assert (document["preview_run"]["id"], document["is_live"]) == (run_id, False)
    assert "&lt;b&gt;1&lt;/b&gt;" in client.get(RAW, headers={"Accept": "text/html"}).text
    assert asked == [registry.runs.get(run_id).dag_id]


def test_what_is_no_preview_is_not_shown(client: object, registry: Registry) -> None:
    """Whatever lies in its place, the page is there."""
    record = registry.datasets.register("raw", {"kind": "file", "sources": []})

    for text in ("", "[]", '{"columns": 1}', '{"columns": ["a"], "rows": [1]}'):
        write_preview(registry, record.id, text, dag_id=f"previews {text}")
        preview = client.get(f"{RAW}?format=json").json()["preview"]
        assert preview in (None, {"columns": ["a"], "rows": []})


def test_a_preview_is_for_those_who_may_read_files(client: object, registry: Registry) -> None:
    """It is what a task handed on, and needs the permission for that."""
    record = registry.datasets.register("raw", {"kind": "file", "sources": []})
    write_preview(registry, record.id, json.dumps({"columns": ["a"], "rows": [["secret"]]}), dag_id="quiet")

    assert "secret" not in client.get(RAW, headers={"Accept": "text/html"}).text


def test_only_those_who_may_start_runs_make_previews(client: object, admin: object, registry: Registry) -> None:
    """A viewer is refused; a form of another site is refused; a workspace that no bundle serves says so."""
    registry.datasets.register("raw", {"kind": "file", "sources": []})

    assert client.post(f"{RAW}/preview", content=b"{}", headers=JSON).status_code == 403
    assert admin.post(f"{RAW}/preview", data={"a": "b"}).status_code == 415
    assert admin.post(f"{RAW}/preview?version=7", content=b"{}", headers=JSON).status_code == 404
    assert admin.post(f"{RAW}/preview", content=b"{}", headers=JSON).status_code == 409
    assert [*registry.runs.list()] == []
