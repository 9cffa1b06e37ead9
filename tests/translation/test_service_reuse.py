"""Reuse in a real service: runs from REST and schedule, pools that are full, equal runs at once, owners that die."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_ml.core import Workspace
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.translation.service import RunningService, find_running

pytestmark = [pytest.mark.service, pytest.mark.timeout(600)]

#: A lease that is not renewed passes on after so many seconds.
LEASE_SECONDS = "6"

DAGS = """
from datetime import datetime, timezone
from airflow.sdk import DAG, task
from airflow_ml.core import Workspace
from airflow_ml.operators import PythonScriptStepOperator
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from airflow_ml.pipeline.steps import PythonScriptStep

def chain():
    one, two = PipelineData("one"), PipelineData("two")
    options = {"source_directory": "source", "compute_target": "cpu"}
    return Pipeline(Workspace.get("ml"), [
        PythonScriptStep("copy.py", "first", [one], outputs=[one], **options),
        PythonScriptStep("copy.py", "second", [two, one], inputs=[one], outputs=[two], **options),
        PythonScriptStep("copy.py", "third", ["-", two], inputs=[two], **options),
    ])

dag = chain().to_dag("chain")
scheduled = chain().to_dag(
    "scheduled", schedule="@once", start_date=datetime(2026, 1, 1, tzinfo=timezone.utc), is_paused_upon_creation=True
)
number = PipelineParameter("number", 0)
step = PythonScriptStep("count.py", "count", [number], source_directory="counting")
equal = Pipeline(Workspace.get("ml"), [step]).to_dag("equal", max_active_runs=16, max_active_tasks=16)

with DAG("mapped", max_active_tasks=16, params={"numbers": ["0"]}) as mapped:
    @task
    def numbers(params):
        return [[number] for number in params["numbers"]]
    PythonScriptStepOperator.partial(
        task_id="count", workspace=Workspace.get("ml"), script_name="count.py", source_directory="counting",
        compute_target="cpu",
    ).expand(arguments=numbers())
"""
COPY = """
import pathlib, sys
place, *sources = sys.argv[1:]
if place != "-":
    pathlib.Path(place).write_text("".join(pathlib.Path(source).read_text() for source in sources) or "x")
"""
COUNT = """
import os, pathlib, sys, time
folder = pathlib.Path({folder!r}, sys.argv[1])
folder.mkdir(exist_ok=True)
(folder / str(os.getpid())).touch()
while not (folder / "go").exists():
    time.sleep(0.05)
"""


class Service:
    """A service with the DAGs above, and requests to it."""

    def __init__(self, running: RunningService, counted: Path) -> None:
        self.running = running
        self.counted = counted
        self.ask = running.client().ask

    def trigger(self, dag_id: str, **conf: object) -> str:
        """Start a run and return its id."""
        run_id = uuid.uuid4().hex
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        wait_for(lambda: self._has(f"/api/v2/dags/{dag_id}"))
        self.ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)
        return run_id

    def _has(self, path: str) -> bool:
        try:
            return bool(self.ask("GET", path))
        except Exception:  # noqa: BLE001 - not yet
            return False

    def wait(self, dag_id: str, run_id: str, state: str = "success") -> dict[str, str]:
        """Wait until a run has ended, and return the states of its tasks."""
        path = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"
        wait_for(lambda: self.ask("GET", path)["state"] not in ("queued", "running"))
        tasks = self.tasks(dag_id, run_id)
        assert self.ask("GET", path)["state"] == state, tasks
        return tasks

    def tasks(self, dag_id: str, run_id: str) -> dict[str, str]:
        """Return the states of a run's tasks."""
        found = self.ask("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances?limit=100")
        return {task["task_id"]: task["state"] for task in found["task_instances"]}

    def run(self, dag_id: str, **conf: object) -> tuple[str, dict[str, str]]:
        """Run a DAG to its end."""
        run_id = self.trigger(dag_id, **conf)
        return run_id, self.wait(dag_id, run_id)


def wait_for(ask: Callable[[], object], seconds: float = 240.0) -> None:
    """Wait until an answer is true."""
    end = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < end, "it did not come to that in time"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Start a service in a home folder of its own, with the DAGs in place."""
    counted = tmp_path_factory.mktemp("counted")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_ML_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("AIRFLOW_ML_LEASE_SECONDS", LEASE_SECONDS)
        for name in ("AIRFLOW_ML_REGISTRY", "AIRFLOW_ML_SERVICE_DATABASE"):
            patch.delenv(name, raising=False)
        workspace = Workspace.create("ml", show_output=False)
        size = AmlCompute.provisioning_configuration("STANDARD_D2_V2", max_nodes=2)
        ComputeTarget.create(workspace, "cpu", size)
        command = [sys.executable, "-m", "airflow_ml.cli.main", "service"]
        subprocess.run([*command, "start", "--port", "0"], check=True, capture_output=True)
        running = find_running()
        for name, source in (("source/copy.py", COPY), ("counting/count.py", COUNT.format(folder=str(counted)))):
            (running.files.dags / name).parent.mkdir(parents=True, exist_ok=True)
            (running.files.dags / name).write_text(source)
        (running.files.dags / "reuse_dags.py").write_text(DAGS)
        yield Service(running, counted)
        subprocess.run([*command, "stop"], check=True, capture_output=True)


@pytest.fixture(scope="module")
def computed(service: Service) -> str:
    """Compute the chain once."""
    run_id, tasks = service.run("chain")
    assert set(tasks.values()) == {"success"}
    return run_id


STEPS = ("first", "second", "third")


def test_a_reused_run_is_one_task_whatever_its_pool_does(service: Service, computed: str):
    """Triggered by REST while its steps' pool has no slot at all: one task runs, XComs and links are there."""
    pool = "/api/v2/pools/cpu?update_mask=slots"
    service.ask("PATCH", pool, {"name": "cpu", "slots": 0, "include_deferred": False})

    run_id, tasks = service.run("chain")

    service.ask("PATCH", pool, {"name": "cpu", "slots": 2, "include_deferred": False})
    assert tasks == {"reuse_check": "success", **dict.fromkeys([*STEPS, "pipeline_end"], "skipped")}
    places = [f"/api/v2/dags/chain/dagRuns/{run}/taskInstances" for run in (computed, run_id)]
    old, new = [service.ask("GET", f"{place}/second/xcomEntries/return_value")["value"] for place in places]
    assert new["outputs"] == old["outputs"]
    link = service.ask("GET", f"{places[1]}/second/links")["extra_links"]["Run in workspace"]
    assert link.endswith(new["step_run_id"])
    of_check = service.ask("GET", f"{places[1]}/reuse_check/xcomEntries")["xcom_entries"]
    assert {entry["key"] for entry in of_check} == {"return_value", "airflow_ml_run_link"}


def test_a_scheduled_run_takes_the_results(service: Service, computed: str):
    """A run that the scheduler makes, of another DAG with the same steps, costs one task too."""
    service.ask("PATCH", "/api/v2/dags/scheduled?update_mask=is_paused", {"is_paused": False})
    runs = "/api/v2/dags/scheduled/dagRuns"
    wait_for(lambda: service.ask("GET", runs)["total_entries"])

    run_id = service.ask("GET", runs)["dag_runs"][0]["dag_run_id"]

    assert [*service.wait("scheduled", run_id).values()].count("skipped") == 4


def test_clearing_a_reused_task_runs_it_for_real(service: Service, computed: str):
    """Cleared in Airflow with what is behind it, a reused step and its consumers run; the rest stays skipped."""
    run_id, _ = service.run("chain")
    body = {"dry_run": False, "dag_run_id": run_id, "task_ids": ["second"], "only_failed": False}
    service.ask("POST", "/api/v2/dags/chain/clearTaskInstances", {**body, "include_downstream": True})

    tasks = service.wait("chain", run_id)

    assert tasks == {
        "reuse_check": "success",
        "first": "skipped",
        **dict.fromkeys(("second", "third", "pipeline_end"), "success"),
    }
    [run] = [run for run in Workspace.get("ml").registry().runs.list(kind="pipeline") if run.dag_run_id == run_id]
    assert run.status == "Completed"


def test_ten_equal_runs_at_once_compute_once(service: Service):
    """Nine wait without a slot and take what the tenth computes."""
    runs = [service.trigger("equal", number=1) for _ in range(10)]
    states = [lambda run=run: service.tasks("equal", run).get("count") for run in runs]
    wait_for(lambda: sorted(str(state()) for state in states) == ["running", *["up_for_reschedule"] * 9])
    pool = service.ask("GET", "/api/v2/pools/default_pool")
    (service.counted / "1" / "go").touch()

    for run in runs:
        service.wait("equal", run)

    assert pool["occupied_slots"] == 1
    assert len([*(service.counted / "1").glob("[0-9]*")]) == 1


def test_when_the_owner_is_killed_the_next_takes_over(service: Service):
    """A killed process computes no more: its lease runs out, one of the others computes, and all get the result."""
    first = service.trigger("equal", number=2)
    wait_for(lambda: [*service.counted.glob("2/[0-9]*")])
    second = service.trigger("equal", number=2)
    wait_for(lambda: service.tasks("equal", second).get("count") == "up_for_reschedule")
    task = service.ask("GET", f"/api/v2/dags/equal/dagRuns/{first}/taskInstances/count")

    os.kill(task["pid"], signal.SIGKILL)
    wait_for(lambda: len([*service.counted.glob("2/[0-9]*")]) == 2)
    (service.counted / "2" / "go").touch()

    assert service.wait("equal", first)["pipeline_end"] == "success"
    assert service.wait("equal", second)["pipeline_end"] == "success"
    assert len([*service.counted.glob("2/[0-9]*")]) == 2


def test_mapped_steps_that_start_at_once_compute_each_value_once(service: Service):
    """Of mapped tasks that start together, those with equal values compute once, in their compute target's pool."""
    for number in ("m1", "m2"):
        (service.counted / number).mkdir()
        (service.counted / number / "go").touch()

    run_id, _ = service.run("mapped", numbers=["m1", "m2"] * 3)

    found = service.ask("GET", f"/api/v2/dags/mapped/dagRuns/{run_id}/taskInstances?limit=100")["task_instances"]
    counts = [task for task in found if task["task_id"] == "count"]
    assert [(task["state"], task["pool"]) for task in counts] == [("success", "cpu")] * 6
    assert [len([*service.counted.glob(f"{number}/[0-9]*")]) for number in ("m1", "m2")] == [1, 1]
    [pipeline] = [run for run in Workspace.get("ml").registry().runs.list(kind="pipeline") if run.dag_id == "mapped"]
    steps = Workspace.get("ml").registry().runs.steps(pipeline.id)
    assert sorted(str(step.node_id) for step in steps) == [f"count[{index}]" for index in range(6)]
    assert pipeline.status == "Completed"
