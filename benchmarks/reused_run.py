"""
A DAG run of a 50-step pipeline whose results are all there, against a DAG run of one trivial task.

    python benchmarks/reused_run.py [rounds]

Both run in the same `airflow standalone` (`airflow-ml service start`, in a home folder of the benchmark's own), one
after the other in turns, triggered by REST and polled until they end. The steps are a chain, the worst case for
Airflow: fifty real tasks would be scheduled one after the other. The first run, which computes them, is printed too.

Exit code 1 if the ratio of the medians is over the limit, or the reused run took more than one task.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

from airflow_ml.core import Workspace
from airflow_ml.translation.service import find_running
from airflow_ml.translation.service_client import AirflowClient, AirflowError

LIMIT = 1.5
STEPS = 50

DAGS = f'''"""A chain of steps, and one task that does nothing."""
from airflow.sdk import DAG, task
from airflow_ml.core import Workspace
from airflow_ml.pipeline.core import Pipeline, PipelineData
from airflow_ml.pipeline.steps import PythonScriptStep

steps, previous = [], []
for number in range({STEPS}):
    data = PipelineData(f"data_{{number}}")
    steps.append(
        PythonScriptStep("run.py", f"step_{{number}}", [number, data, *previous], inputs=previous, outputs=[data],
                         source_directory="source")
    )
    previous = [data]
reused = Pipeline(Workspace.get("benchmark"), steps).to_dag("reused")

with DAG("trivial"):
    @task
    def nothing():
        pass

    nothing()
'''
SCRIPT = "import sys; open(sys.argv[2], 'w').write(sys.argv[1])\n"


def main() -> int:
    """Measure, print, and return 1 if a limit is passed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory(prefix="aml-reused-") as folder:
        os.environ["AIRFLOW_ML_HOME"] = folder
        os.environ["PYTHONPYCACHEPREFIX"] = f"{folder}/bytecode"
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        service("start", "--port", "0")
        try:
            return measure(rounds)
        finally:
            service("stop")


def service(*arguments: str) -> None:
    """Start or stop the service."""
    subprocess.run([sys.executable, "-m", "airflow_ml.cli.main", "service", *arguments], check=True)


def measure(rounds: int) -> int:
    """Run both in turns and compare."""
    Workspace.create("benchmark", show_output=False)
    running = find_running()
    assert running is not None
    source = running.files.dags / "source"
    source.mkdir(parents=True)
    (source / "run.py").write_text(SCRIPT)
    Path(running.files.dags, "benchmark.py").write_text(DAGS)
    client = running.client()
    print(f"computing {STEPS} steps: {run(client, 'reused')[0]:.1f} s", flush=True)
    times: dict[str, list[float]] = {"trivial": [], "reused": []}
    tasks = 0
    for number in range(rounds + 1):
        for name, found in times.items():
            seconds, states = run(client, name)
            tasks = max(tasks, states.count("success"))
            if number:  # the first of each warms up
                found.append(seconds)
    for name, found in times.items():
        listed = " ".join(f"{seconds:.2f}" for seconds in found)
        print(f"{name:8} median {statistics.median(found):.2f} s   ({listed})")
    ratio = statistics.median(times["reused"]) / statistics.median(times["trivial"])
    is_met = ratio <= LIMIT and tasks == 1
    print(f"ratio {ratio:.2f} (allowed {LIMIT}), tasks per reused run: {tasks}: {'met' if is_met else 'NOT MET'}")
    return int(not is_met)


def run(client: AirflowClient, dag_id: str) -> tuple[float, list[str]]:
    """Run a DAG to its end and return the seconds that it took, and the states of its tasks."""
    runs = f"/api/v2/dags/{dag_id}/dagRuns"
    run_id, deadline = uuid.uuid4().hex, time.monotonic() + 60
    while True:
        begin = time.monotonic()
        if trigger(client, runs, run_id):
            break
        assert begin < deadline, "the DAG file was not read"
        time.sleep(0.2)
    while (found := client.ask("GET", f"{runs}/{run_id}"))["state"] in ("queued", "running"):
        time.sleep(0.05)
    seconds = time.monotonic() - begin
    tasks = client.ask("GET", f"{runs}/{run_id}/taskInstances?limit=100")["task_instances"]
    assert found["state"] == "success", [(task["task_id"], task["state"]) for task in tasks]
    return seconds, [task["state"] for task in tasks]


def trigger(client: AirflowClient, runs: str, run_id: str) -> bool:
    """Start a run; False if Airflow does not know the DAG yet."""
    try:
        client.ask("POST", runs, {"dag_run_id": run_id, "logical_date": None})
    except AirflowError as error:
        if error.status != 404:
            raise
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
