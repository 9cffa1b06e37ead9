"""
Pipelines in an Airflow of a team, which those who submit know by its address and a shared registry alone.

It is a service of this machine with a home of its own, that has one more DAG bundle as a team would configure it.
"""

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_ml.core import Experiment, Workspace
from airflow_ml.exceptions import ServiceException
from airflow_ml.graph import WorkspaceRef
from airflow_ml.pipeline.core import Pipeline, PipelineParameter, PipelineRun
from airflow_ml.pipeline.steps import PythonScriptStep
from airflow_ml.registry import Home, open_registry, open_shared
from airflow_ml.translation import service_control
from airflow_ml.translation.airflow_service import RemoteService
from airflow_ml.translation.airflow_settings import service_settings
from airflow_ml.translation.registered_dags import make_runnable, register_dag
from airflow_ml.translation.service_client import AirflowClient

pytestmark = pytest.mark.service

_BUNDLES = "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST"

ADD = """
    import sys
    from azureml.core import Run
    print("adding to", sys.argv[1])
    Run.get_context().log("sum", int(sys.argv[1]) + 1)
"""
#: Waits for a file, and says in another one that it waits.
WAIT = """
    import pathlib, sys, time
    note, gate = map(pathlib.Path, sys.argv[1:])
    note.touch()
    while not gate.exists():
        time.sleep(0.05)
"""


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkspaceRef]:
    """Start the team's Airflow; give the workspace whose pipelines it runs, to submitters with a home of their own."""
    shared = tmp_path_factory.mktemp("shared")
    ref = WorkspaceRef("team", registry_url=f"sqlite:///{shared / 'registry.db'}")
    with open_registry(ref) as registry:
        for store in registry.datastores.list():
            registry.datastores.put(
                store.name, type="Local", settings={"kind": "local", "root": str(shared / store.name)}
            )
    kwargs = {"workspace": "team", "registry_url": ref.registry_url, "refresh_interval": 1}
    bundle = {"name": "team", "classpath": "airflow_ml.translation.bundle.WorkspaceBundle", "kwargs": kwargs}

    def settings(*args: object, **options: object) -> dict[str, str]:
        own = service_settings(*args, **options)
        return {**own, _BUNDLES: json.dumps([*json.loads(own[_BUNDLES]), bundle])}

    servers, own = Home(tmp_path_factory.mktemp("servers")), tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AIRFLOW_ML_REGISTRY", "AIRFLOW_ML_SERVICE_DATABASE", "AIRFLOW_ML_AIRFLOW_TOKEN"):
            patch.delenv(name, raising=False)
        patch.setattr(service_control, "service_settings", settings)
        patch.setenv("AIRFLOW_ML_HOME", str(servers.root))
        status = service_control.start_service(home=servers, port=0)
        patch.setenv("AIRFLOW_ML_HOME", str(own))
        patch.setenv("AIRFLOW_ML_AIRFLOW_URL", str(status.url))
        patch.setenv("AIRFLOW_ML_AIRFLOW_USER", "admin")
        patch.setenv("AIRFLOW_ML_AIRFLOW_PASSWORD", json.loads(status.passwords.read_text())["admin"])
        yield ref
        service_control.stop_service(servers)


@pytest.fixture
def client(team: WorkspaceRef) -> AirflowClient:
    """Give a client of the team's Airflow."""
    return RemoteService(os.environ["AIRFLOW_ML_AIRFLOW_URL"]).client()


@pytest.fixture
def experiment(team: WorkspaceRef, request: pytest.FixtureRequest) -> Experiment:
    """Return an experiment of the test's own."""
    return Experiment(Workspace.from_ref(team), request.node.originalname[:36])


@pytest.fixture
def script(tmp_path: Path) -> Callable[..., PythonScriptStep]:
    """Return what makes a step of a script's text."""

    def make(name: str, text: str, *arguments: object) -> PythonScriptStep:
        folder = tmp_path / "source"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
        return PythonScriptStep(f"{name}.py", name, [*arguments], source_directory=str(folder))

    return make


def test_a_run_is_followed_from_elsewhere(experiment: Experiment, script, tmp_path: Path):
    """Another process with another home sees the run by its id, waits for its end and prints what its steps printed."""
    run = experiment.submit(Pipeline(experiment.workspace, [script("add", ADD, PipelineParameter("n", 1))]))
    program = f"""
        from airflow_ml.core import Workspace
        from airflow_ml.graph import WorkspaceRef
        from airflow_ml.pipeline.core import PipelineRun
        workspace = Workspace.from_ref(WorkspaceRef("team", registry_url={experiment.workspace.ref.registry_url!r}))
        print(PipelineRun.get(workspace, {run.id!r}).wait_for_completion(show_output=True))
    """
    elsewhere = {**os.environ, "AIRFLOW_ML_HOME": str(tmp_path / "elsewhere"), "AIRFLOW_ML_AIRFLOW_PASSWORD": ""}

    seen = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], env=elsewhere, capture_output=True, text=True, check=False
    )

    assert (seen.returncode, seen.stdout.splitlines()[-1]) == (0, "Finished"), seen.stderr
    assert "adding to 1" in seen.stdout
    assert run.find_step_run("add")[0].get_metrics() == {"sum": 2}


def test_embedded_and_in_service_are_the_same(experiment: Experiment, script, monkeypatch: pytest.MonkeyPatch):
    """What ran without a service is reused with one: both have the same fingerprints."""
    pipeline = Pipeline(experiment.workspace, [script("add", ADD, 5)])
    with monkeypatch.context() as patch:
        patch.delenv("AIRFLOW_ML_AIRFLOW_URL")
        first = experiment.submit(pipeline)
        assert first.wait_for_completion(show_output=False) == "Finished"

    second = experiment.submit(pipeline)

    assert second.wait_for_completion(show_output=False) == "Finished"
    [computed], [taken] = first.find_step_run("add"), second.find_step_run("add")
    assert taken.get_properties()["azureml.reusedrunid"] == computed.id


def test_a_run_keeps_the_version_it_started_with(experiment: Experiment, script, client: AirflowClient, tmp_path: Path):
    """A new version that comes in the middle is for later runs; a task that is cleared runs in the old one."""
    note, gate = tmp_path / "note", tmp_path / "gate"
    old = Pipeline(experiment.workspace, [script("wait", WAIT, str(note), str(gate))])
    run = experiment.submit(old)
    wait_until(note.exists)
    dag_id = str(run._record.dag_id)
    registry = open_shared(experiment.workspace.ref)
    known = registry.dag_versions.find(dag_id)
    new = Pipeline(experiment.workspace, [script("wait", WAIT, str(note), str(gate)), script("add", ADD, 1)])

    second = register_dag(registry, new._graph, dag_id, **known.arguments)
    now = make_runnable(experiment.workspace.ref, dag_id)
    gate.touch()

    assert (now, run.wait_for_completion(show_output=False)) == ("now", "Finished")
    assert [step.name for step in run.get_steps()] == ["wait"]
    place = f"/api/v2/dags/{dag_id}"
    [dag_run] = client.ask("GET", f"{place}/dagRuns")["dag_runs"]
    assert (dag_run["bundle_version"], client.ask("GET", place)["bundle_version"]) == (
        str(known.number),
        str(second.number),
    )
    wanted = {"dry_run": False, "only_failed": False, "task_ids": ["wait"], "include_downstream": True}
    client.ask("POST", f"{place}/clearTaskInstances", {**wanted, "dag_run_id": dag_run["dag_run_id"]})
    wait_until(lambda: client.ask("GET", f"{place}/dagRuns/{dag_run['dag_run_id']}")["state"] == "success")
    assert {step.name for step in run.get_steps()} == {"wait"}
    assert client.ask("GET", f"{place}/dagRuns")["dag_runs"][0]["bundle_version"] == str(known.number)


def test_a_published_pipeline_is_triggered_in_airflow(experiment: Experiment, script, client: AirflowClient, capsys):
    """It is a DAG at once, says so, takes parameters from Airflow's form, and is gone when it is disabled."""
    pipeline = Pipeline(experiment.workspace, [script("add", ADD, PipelineParameter("n", 1))])
    published = pipeline.publish("sums of today")
    dag_id = f"sums_of_today-{published.id[:8]}"

    client.ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", {"logical_date": None, "conf": {"n": 41}})

    assert published.runnable == "now"
    assert f"Published pipeline sums of today: DAG {dag_id} can be triggered now\n" in capsys.readouterr().out
    wait_until(lambda: client.ask("GET", f"/api/v2/dags/{dag_id}/dagRuns")["dag_runs"][0]["state"] == "success")
    [run] = Experiment(experiment.workspace, "sums-of-today").get_runs()
    assert PipelineRun(run.experiment, run.id).find_step_run("add")[0].get_metrics() == {"sum": 42}
    published.disable()
    assert client.ask("GET", f"/api/v2/dags/{dag_id}")["is_stale"] is True


def test_without_the_plugin_the_bundle_finds_it(experiment: Experiment, script, monkeypatch: pytest.MonkeyPatch):
    """A submit waits until Airflow has found the new DAG by itself, and goes on."""
    monkeypatch.setattr(RemoteService, "tell", lambda *_arguments: False)

    run = experiment.submit(Pipeline(experiment.workspace, [script("add", ADD, 7)]))

    assert run.wait_for_completion(show_output=False) == "Finished"


def test_a_dag_with_an_error_hurts_no_other(experiment: Experiment, script, client: AirflowClient):
    """It is an import error where a user looks, and the others run."""
    pipeline = Pipeline(experiment.workspace, [script("add", ADD, 8)])
    registry = open_shared(experiment.workspace.ref)
    register_dag(registry, pipeline._graph, "broken", schedule="every day")
    with pytest.raises(ServiceException, match="DAG 'broken': Airflow makes no DAG of it"):
        make_runnable(experiment.workspace.ref, "broken")

    run = experiment.submit(pipeline)

    assert run.wait_for_completion(show_output=False) == "Finished"
    errors = "/api/v2/importErrors?filename_pattern=broken.py"
    wait_until(lambda: client.ask("GET", errors)["total_entries"] == 1)


def test_canceling_from_elsewhere_ends_the_script(experiment: Experiment, script, tmp_path: Path):
    """Whoever has the registry can cancel; nothing of the run goes on."""
    note = tmp_path / "note"
    run = experiment.submit(Pipeline(experiment.workspace, [script("wait", WAIT, str(note), str(tmp_path / "never"))]))
    wait_until(note.exists)

    PipelineRun.get(experiment.workspace, run.id).cancel()

    assert run.wait_for_completion(show_output=False) == "Canceled"


def wait_until(is_so: Callable[[], bool], seconds: float = 150) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.1)
