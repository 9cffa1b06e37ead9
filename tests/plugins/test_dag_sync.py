"""DAGs of pipelines, made known to a real metadata database by the plugin's route."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_ml.graph import Graph, Step, WorkspaceRef
from airflow_ml.registry import Registry
from airflow_ml.translation.registered_dags import register_dag, remove_dag
from airflow_ml.translation.service_runs import sync_path

pytestmark = pytest.mark.airflow

BUNDLE = {"classpath": "airflow_ml.translation.bundle.WorkspaceBundle", "kwargs": {"workspace": "team"}}


@pytest.fixture
def bundle(airflow_database: Path, registry: Registry, tmp_path: Path, monkeypatch) -> Iterator[str]:
    """Let Airflow have the bundle `pipelines` of workspace `team`, and empty its tables behind the test."""
    configured = json.dumps([{"name": "pipelines", **BUNDLE}])
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", configured)
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH", str(tmp_path / "bundles"))
    from airflow.models import DagModel
    from airflow.models.dag_version import DagVersion
    from airflow.models.dagbag import DagPriorityParsingRequest
    from airflow.models.dagbundle import DagBundleModel
    from airflow.models.dagcode import DagCode
    from airflow.models.dagrun import DagRun
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import delete

    with create_session() as session:
        session.add(DagBundleModel(name="pipelines"))
    yield "pipelines"
    tables = (TaskInstance, DagRun, SerializedDagModel, DagCode, DagVersion, DagModel)
    with create_session() as session:
        for table in (*tables, DagPriorityParsingRequest, DagBundleModel):
            session.execute(delete(table))


@pytest.fixture
def record(registry: Registry) -> Callable[..., int]:
    """Give a function that records a DAG of some steps, and returns its version."""

    def make(dag_id: str, *names: str, **arguments: object) -> int:
        steps = tuple(Step(id=name, name=name, kind="python_script") for name in names)
        graph = Graph(name="p", workspace=WorkspaceRef("team"), steps=steps)
        return register_dag(registry, graph, dag_id, **arguments).number

    return make


def known(dag_id: str) -> tuple[str | None, bool, set[str]] | None:
    """Return what Airflow knows: the bundle's version, whether the DAG is hidden, and the steps it has now."""
    from airflow.models import DagModel
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session

    with create_session() as session:
        row = session.get(DagModel, dag_id)
        if row is None:
            return None
        dag = SerializedDagModel.get_dag(dag_id, session=session)
        return row.bundle_version, row.is_stale, {*dag.task_dict} - {"reuse_check", "pipeline_end"}


def test_a_recorded_dag_is_runnable_at_once(admin, bundle, record):
    """The route answers when Airflow knows the DAG; it is not paused, and has the bundle's version."""
    from airflow.models import DagModel
    from airflow.utils.session import create_session

    record("train", "a", "b", tags=["x"])

    answer = admin.post(sync_path("team", "train"), json={})

    assert (answer.status_code, answer.json()) == (200, {"dag_id": "train", "runnable": "now"})
    assert known("train") == ("1", False, {"a", "b"})
    with create_session() as session:
        row = session.get(DagModel, "train")
        assert (row.bundle_name, row.relative_fileloc, row.is_paused) == ("pipelines", "team/train.py", False)


def test_a_new_version_follows_at_once(admin, bundle, record):
    """However soon it comes after the one before, which Airflow would leave out for half a minute."""
    for names in (("a",), ("a", "b")):
        record("train", *names)
        assert admin.post(sync_path("team", "train"), json={}).status_code == 200

    assert known("train") == ("2", False, {"a", "b"})


def test_what_is_known_is_not_written_again(admin, bundle, record):
    """A DAG of an older version of the bundle is left as it is, if it has not changed since."""
    record("train", "a")
    admin.post(sync_path("team", "train"), json={})
    record("other", "a")

    admin.post(sync_path("team", "train"), json={})

    assert (known("train")[0], known("other")) == ("1", None)


def test_the_dag_processor_is_asked_to_look(admin, bundle, record):
    """Several changes are one request, of a file that is not there, so that only the bundle is refreshed."""
    from airflow.models.dagbag import DagPriorityParsingRequest
    from airflow.utils.session import create_session
    from sqlalchemy import select

    for dag_id in ("a", "b"):
        record(dag_id, "x")
        admin.post(sync_path("team", dag_id), json={})

    with create_session() as session:
        [request] = session.scalars(select(DagPriorityParsingRequest)).all()
        assert (request.bundle_name, request.relative_fileloc) == ("pipelines", "refresh")


def test_a_removed_dag_is_hidden(admin, bundle, record, registry: Registry):
    """Its runs and versions stay; recorded again it is shown again."""
    record("train", "a")
    admin.post(sync_path("team", "train"), json={})
    remove_dag(registry, "train")
    admin.post(sync_path("team", "train"), json={})
    hidden = known("train")
    record("train", "a")
    admin.post(sync_path("team", "train"), json={})

    assert (hidden, known("train")) == (("1", True, {"a"}), ("3", False, {"a"}))


def test_who_may_start_no_runs_may_not_do_it(client, stranger, bundle, record):
    """A viewer is refused, and so is somebody who is not logged in."""
    record("train", "a")

    refused = client.post(sync_path("team", "train"), json={}).status_code
    del stranger.headers["Authorization"]

    assert (refused, stranger.post(sync_path("team", "train"), json={}).status_code) == (403, 401)
    assert known("train") is None


def test_a_page_of_another_site_cannot_do_it(admin, bundle, record):
    """What a form can send with somebody's cookie is refused."""
    record("train", "a")

    assert admin.post(sync_path("team", "train"), data={"x": "1"}).status_code == 415
    assert known("train") is None


def test_a_workspace_that_no_bundle_has_is_refused(admin, bundle):
    """The answer says what to configure; it is none that an Airflow without plugin would give."""
    answer = admin.post(sync_path("elsewhere", "train"), json={})

    assert answer.status_code == 501
    assert "no DAG bundle of this Airflow has workspace 'elsewhere'; add one" in answer.json()["detail"]


def test_a_dag_that_cannot_be_made_says_why(admin, bundle, record):
    """The error is the caller's to mend, and nothing of the DAG is written."""
    record("train", "a", schedule="every day")

    answer = admin.post(sync_path("team", "train"), json={})

    assert (answer.status_code, known("train")) == (400, None)
    assert "DAG 'train'" in answer.json()["detail"]


def test_a_dag_of_a_team_is_not_replaced(admin, bundle, record):
    """An id that a DAG file of the team has is refused; both would write over each other for ever."""
    from airflow.models import DagModel
    from airflow.models.dagbundle import DagBundleModel
    from airflow.utils.session import create_session

    with create_session() as session:
        session.add(DagBundleModel(name="dags-folder"))
        session.flush()
        place = {"bundle_name": "dags-folder", "fileloc": "x.py", "relative_fileloc": "x.py"}
        session.add(DagModel(dag_id="train", is_stale=False, **place))
    record("train", "a")

    answer = admin.post(sync_path("team", "train"), json={})

    assert answer.status_code == 503
    assert "this Airflow has one of that id in its bundle 'dags-folder'; rename one" in answer.json()["detail"]
