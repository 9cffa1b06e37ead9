"""An Airflow service with DAG files of a team, for the tests of several files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from airflow_ml.core import Workspace
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.translation.service import RunningService, find_running

__all__ = ["DagService", "running_dag_service", "use_home", "wait_for"]

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
TEAM = """
from datetime import datetime, timedelta, timezone
from airflow.sdk import DAG, task
from airflow_ml.core import Workspace
from airflow_ml.pipeline.core import Pipeline, PipelineParameter
from airflow_ml.pipeline.steps import PythonScriptStep

first, last = (datetime(2026, 1, day, tzinfo=timezone.utc) for day in (1, 3))
with DAG(
    "daily", schedule="@daily", start_date=first, end_date=last, catchup=True, max_active_runs=1,
    is_paused_upon_creation=True, dagrun_timeout=timedelta(hours=1),
) as daily:
    @task
    def before():
        return "told"
    @task
    def behind():
        pass
    say = PythonScriptStep(
        "say.py", "say", ["{{ ds }}", "{{ ti.xcom_pull('before') }}", PipelineParameter("day", "{{ ds_nodash }}")],
        source_directory="source",
    )
    before() >> Pipeline(Workspace.get("ml"), [say]).to_task_group("ml") >> behind()
"""
SAY = """
import sys
from azureml.core import Run
Run.get_context().log("said", " ".join(sys.argv[1:]))
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


class DagService:
    """A service with the DAGs above, and requests to it."""

    def __init__(self, running: RunningService, counted: Path) -> None:
        self.running = running
        self.counted = counted
        self.home = Path(os.environ["AIRFLOW_ML_HOME"])
        self.ask = running.client().ask

    def trigger(self, dag_id: str, **conf: object) -> str:
        """Start a run and return its id."""
        run_id = uuid.uuid4().hex
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        self.wait_for_dag(dag_id)
        self.ask("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)
        return run_id

    def wait_for_dag(self, dag_id: str) -> None:
        """Wait until Airflow has read a DAG's file."""
        wait_for(lambda: self._has(f"/api/v2/dags/{dag_id}"))

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


@contextmanager
def running_dag_service(home: Path, counted: Path) -> Iterator[DagService]:
    """Start a service in that home folder, with the DAGs in place; it ends with the block."""
    command = [sys.executable, "-m", "airflow_ml.cli.main", "service"]
    with pytest.MonkeyPatch.context() as patch:
        use_home(patch, home)
        patch.setenv("AIRFLOW_ML_LEASE_SECONDS", LEASE_SECONDS)
        workspace = Workspace.create("ml", show_output=False)
        size = AmlCompute.provisioning_configuration("STANDARD_D2_V2", max_nodes=2)
        ComputeTarget.create(workspace, "cpu", size)
        subprocess.run([*command, "start", "--port", "0"], check=True, capture_output=True)
        running = find_running()
        assert running is not None
        scripts = {"source/copy.py": COPY, "source/say.py": SAY, "counting/count.py": COUNT.format(folder=str(counted))}
        for name, source in {**scripts, "reuse_dags.py": DAGS, "team_dags.py": TEAM}.items():
            (running.files.dags / name).parent.mkdir(parents=True, exist_ok=True)
            (running.files.dags / name).write_text(source)
        service = DagService(running, counted)
    yield service
    with pytest.MonkeyPatch.context() as patch:
        use_home(patch, home)
        subprocess.run([*command, "stop"], check=True, capture_output=True)


def use_home(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Let this process use the service of that home folder, and no other."""
    patch.setenv("AIRFLOW_ML_HOME", str(home))
    for name in ("AIRFLOW_ML_REGISTRY", "AIRFLOW_ML_SERVICE_DATABASE", "AIRFLOW_ML_AIRFLOW_URL"):
        patch.delenv(name, raising=False)
