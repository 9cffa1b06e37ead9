"""Downloads: what a manifest or the record of a run's files names, and nothing else."""

import hashlib
from datetime import datetime, timezone

import pytest

from airflow_ml.execution.stores import Stores
from airflow_ml.registry import ArtifactRecord, OutputRecord, Registry, RunRecord
from airflow_ml.storage.manifests import Manifest, ManifestFile, manifest_path

pytestmark = pytest.mark.airflow

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
RUNS = "/airflow-ml/workspaces/team/runs"
STORE = "workspaceblobstore"
FILES = {"a b/ż#?.csv": b"x,y\n", "page.html": b"<script>alert(1)</script>", "plain": b"text"}


def commit(registry: Registry, run: RunRecord, name: str, files: dict[str, bytes]) -> None:
    """Commit an output of a run as a worker does."""
    store = Stores(registry)(STORE)
    for path, content in files.items():
        store.write(f"{name}/{path}", content)
    listed = tuple(
        ManifestFile(path, len(content), hashlib.sha256(content).hexdigest()) for path, content in sorted(files.items())
    )
    manifest = Manifest(run.id, name, STORE, name, False, listed)
    store.write(manifest_path(run.id, name), manifest.to_json().encode())
    size = sum(map(len, files.values()))
    place = manifest_path(run.id, name)
    record = OutputRecord(run.id, name, "file_dataset", STORE, name, False, "d", place, len(files), size, NOW)
    registry.outputs.add(run.id, [record])


def keep(registry: Registry, run: RunRecord, name: str, content: bytes) -> None:
    """Keep a file of a run as a worker does."""
    stores = Stores(registry)
    path = f"ExperimentRun/dcid.{run.id}/{name}"
    stores.artifacts.write(path, content)
    record = ArtifactRecord(run.id, name, "workspaceartifactstore", path, len(content))
    registry.artifacts.add(run.id, [record])


@pytest.fixture
def run(registry: Registry) -> RunRecord:
    """Record a run of DAG `loud` with an output."""
    run = registry.runs.open_pipeline("exp", "p", dag_id="loud", dag_run_id="1")
    commit(registry, run, "data", FILES)
    return run


def test_a_file_of_the_manifest_is_sent_as_an_attachment(client: object, run: RunRecord) -> None:
    """Whatever its name and content are, no browser interprets it."""
    for path, content in FILES.items():
        answer = client.get(f"{RUNS}/{run.id}/outputs/data/file", params={"path": path})

        assert answer.content == content
        assert answer.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
        assert answer.headers["content-type"] == "application/octet-stream"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "../data/plain",
        "/etc/passwd",
        "plain/",
        "./plain",
        "plain\0",
        "..%2f..%2fregistry.db",
        "a b",
        "",
        "notes.txt",
        "file:///etc/passwd",
    ],
)
def test_any_other_path_is_not_there(client: object, registry: Registry, run: RunRecord, path: str) -> None:
    """What lies in the output's place without being in its manifest is as little sent as what lies elsewhere."""
    Stores(registry)(STORE).write("data/notes.txt", b"of somebody else")

    answer = client.get(f"{RUNS}/{run.id}/outputs/data/file", params={"path": path})

    assert answer.status_code == 404


def test_a_file_that_was_changed_since_is_not_sent(client: object, registry: Registry, run: RunRecord) -> None:
    """The manifest says what was committed; other bytes are not that output."""
    Stores(registry)(STORE).write("data/plain", b"something longer")

    assert client.get(f"{RUNS}/{run.id}/outputs/data/file?path=plain").status_code == 409


def test_the_page_of_an_output_lists_its_files(client: object, registry: Registry, run: RunRecord) -> None:
    """Pages follow each other by the last path."""
    commit(registry, run, "many", {f"{number:04}": b"" for number in range(250)})
    place = f"{RUNS}/{run.id}/outputs/many?format=json"

    first = client.get(place).json()
    second = client.get(f"{place}&after={first['next']}").json()

    assert (len(first["files"]), first["files"][0]["path"], first["count"]) == (200, "0000", 250)
    assert (len(second["files"]), second["files"][0]["path"], second["next"]) == (50, "0200", None)
    page = client.get(f"{RUNS}/{run.id}/outputs/data?format=html").text
    assert "path=a+b%2F%C5%BC%23%3F.csv" in page


def test_an_output_that_is_not_there_or_was_collected(client: object, registry: Registry, run: RunRecord) -> None:
    """The answer says which of the two it is."""
    record = registry.outputs.of(run.id)[0]
    fields = {**vars(record), "name": "old", "collected_at": NOW}
    registry.outputs.add(run.id, [OutputRecord(**fields)])

    assert client.get(f"{RUNS}/{run.id}/outputs/none").status_code == 404
    assert client.get(f"{RUNS}/{run.id}/outputs/old").status_code in (404, 410)


def test_pictures_are_shown_and_nothing_else_is(client: object, registry: Registry, run: RunRecord) -> None:
    """A picture's type comes from its name and is never guessed; SVG, which can hold scripts, is no picture here."""
    for name in ("plot.png", "plot.svg", "page.html"):
        keep(registry, run, name, b"<svg onload=alert(1)>")

    shown = client.get(f"{RUNS}/{run.id}/picture?name=plot.png")

    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/png")
    assert shown.headers["x-content-type-options"] == "nosniff"
    for name in ("plot.svg", "page.html"):
        assert client.get(f"{RUNS}/{run.id}/picture?name={name}").status_code == 415
        assert "attachment" in client.get(f"{RUNS}/{run.id}/file?name={name}").headers["content-disposition"]


def test_files_of_runs_are_those_of_the_record(client: object, registry: Registry, run: RunRecord) -> None:
    """A name is looked up, never opened."""
    keep(registry, run, "outputs/model.pkl", b"m")

    assert client.get(f"{RUNS}/{run.id}/file?name=outputs/model.pkl").content == b"m"
    assert client.get(f"{RUNS}/{run.id}/file?name=outputs/../outputs/model.pkl").status_code == 404


def test_files_need_their_own_permissions(client: object, stranger: object, registry: Registry) -> None:
    """Whoever may see a DAG's runs, but not what its tasks hand on, its logs and its code, gets none of them."""
    run = registry.runs.open_pipeline("exp", "p", dag_id="quiet", dag_run_id="1")
    commit(registry, run, "data", {"plain": b"text"})
    keep(registry, run, "user_logs/std_log.txt", b"printed")
    keep(registry, run, "plot.png", b"p")
    own = f"{RUNS}/{run.id}"
    places = (
        "outputs/data",
        "outputs/data/file?path=plain",
        "file?name=plot.png",
        "picture?name=plot.png",
        "log",
        "code",
    )

    assert {client.get(f"{own}/{place}").status_code for place in places} == {403}
    assert client.get(own).status_code == 200
    del stranger.headers["Authorization"]
    assert {stranger.get(f"{own}/{place}").status_code for place in places} == {401}
