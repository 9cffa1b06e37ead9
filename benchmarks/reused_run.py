"""
A DAG run of a 50-step pipeline whose results are all there, against a DAG run of one trivial task.

    python benchmarks/reused_run.py [rounds]

Both run in the same Airflow, in turns and at random moments, triggered by REST and polled until they end. The steps
are a chain, the worst case for Airflow: fifty real tasks would be scheduled one after the other. There are two
Airflows: `airflow standalone` as Airflow sets it up, whose ratio is held to the limit, and `airflow-ml service`, whose
scheduler and workers wait less, so that the trivial run takes half as long and what a check costs is a larger part of
the whole; its ratio is printed beside the other one. There the first run finds what the first Airflow has computed.

Exit code 1 if the ratio of the medians is over the limit, or a reused run took more than one task.
"""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
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
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        Workspace.create("benchmark", show_output=False)
        with standalone(Path(folder, "airflow")) as client:
            is_met = measure("airflow standalone", client, rounds, limit=LIMIT)
        with own_service() as client:
            measure("airflow-ml service", client, rounds, limit=None)
    return int(not is_met)


@contextmanager
def own_service() -> Iterator[AirflowClient]:
    """Start our service, and give a client."""
    command = [sys.executable, "-m", "airflow_ml.cli.main", "service"]
    subprocess.run([*command, "start", "--port", "0"], check=True)
    try:
        running = find_running()
        assert running is not None
        write_dags(running.files.dags)
        yield running.client()
    finally:
        subprocess.run([*command, "stop"], check=True)


@contextmanager
def standalone(home: Path) -> Iterator[AirflowClient]:
    """Start Airflow as it comes, but for its port and its examples, and give a client."""
    url = f"http://127.0.0.1:{free_port()}"
    write_dags(home / "dags")  # before the start: it looks for new files every five minutes
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__API__PORT": url.rpartition(":")[2],
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }
    with (home / "standalone.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "airflow", "standalone"],
            stdout=log,
            stderr=log,
            env={**os.environ, **settings},
            start_new_session=True,
        )
    try:
        yield log_in(AirflowClient(url), home)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def write_dags(dags: Path) -> None:
    """Write the DAG file with what it needs."""
    (dags / "source").mkdir(parents=True)
    (dags / "source" / "run.py").write_text(SCRIPT)
    (dags / "benchmark.py").write_text(DAGS)


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def log_in(client: AirflowClient, home: Path) -> AirflowClient:
    """Wait for Airflow, and return a client that is its administrator."""
    passwords = home / "simple_auth_manager_passwords.json.generated"
    deadline = time.monotonic() + 120
    while not (passwords.exists() and is_up(client)):
        assert time.monotonic() < deadline, f"Airflow does not answer; see {home}"
        time.sleep(0.5)
    return client.log_in("admin", json.loads(passwords.read_text(encoding="utf-8"))["admin"])


def is_up(client: AirflowClient) -> bool:
    """Tell whether Airflow answers."""
    try:
        client.ask("GET", "/api/v2/monitor/health")
    except AirflowError:
        return False
    return True


def measure(where: str, client: AirflowClient, rounds: int, *, limit: float | None) -> bool:
    """Run both in turns, compare, and tell whether the limit is kept."""
    print(f"{where}: first run of {STEPS} steps: {run(client, 'reused')[0]:.1f} s", flush=True)
    times: dict[str, list[float]] = {"trivial": [], "reused": []}
    tasks = 0
    for number in range(rounds + 1):
        for name, found in times.items():
            # The scheduler looks once a second: a run that begins where the other one ended always waits as long.
            time.sleep(random.random())
            seconds, states = run(client, name)
            if number:  # the first of each warms up
                found.append(seconds)
                tasks = max(tasks, states.count("success"))
    for name, found in times.items():
        listed = " ".join(f"{seconds:.2f}" for seconds in found)
        print(f"{name:8} median {statistics.median(found):.2f} s   ({listed})")
    ratio = statistics.median(times["reused"]) / statistics.median(times["trivial"])
    is_met = tasks == 1 and (limit is None or ratio <= limit)
    judged = "" if limit is None else f" (allowed {limit}): {'met' if is_met else 'NOT MET'}"
    print(f"{where}: ratio {ratio:.2f}, tasks per reused run: {tasks}{judged}", flush=True)
    return is_met


def run(client: AirflowClient, dag_id: str) -> tuple[float, list[str]]:
    """Run a DAG to its end and return the seconds that it took, and the states of its tasks."""
    runs = f"/api/v2/dags/{dag_id}/dagRuns"
    run_id, deadline = uuid.uuid4().hex, time.monotonic() + 400
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
