"""
From submitting a pipeline to its first running task, against triggering a bare DAG by REST.

    python benchmarks/submit_to_start.py [rounds]

Both run in the same Airflow (`airflow-ml service`), in turns and at random moments. The time ends when Airflow says
that the first task has started. "submit" is `Experiment.submit` of a pipeline whose code is captured and whose DAG is
known, as every run after the first is; "new" is one that nobody has seen, whose code and DAG come with it.

Exit code 1 if the ratio of the medians of "submit" and "trigger" is over the limit.
"""

from __future__ import annotations

import contextlib
import io
import random
import statistics
import sys
import time
from datetime import datetime
from uuid import uuid4

from publish_to_runnable import service

from airflow_ml.core import Experiment, Workspace
from airflow_ml.pipeline.core import Pipeline
from airflow_ml.pipeline.steps import PythonScriptStep
from airflow_ml.translation.service import find_running
from airflow_ml.translation.service_client import AirflowClient

LIMIT = 1.3

BARE = '''"""One task that does nothing."""
from airflow.sdk import DAG, task

with DAG("bare"):
    @task
    def nothing():
        pass

    nothing()
'''


def main() -> int:
    """Measure, print, and return 1 if the limit is passed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with service("aml-submit-"):
        times = measure(rounds)
    for name, found in times.items():
        listed = " ".join(f"{seconds:.2f}" for seconds in found)
        print(f"{name:8} median {statistics.median(found):.2f} s   ({listed})")
    ratio = statistics.median(times["submit"]) / statistics.median(times["trigger"])
    is_met = ratio <= LIMIT
    print(f"ratio {ratio:.2f} (allowed {LIMIT}): {'met' if is_met else 'NOT MET'}")
    return int(not is_met)


def measure(rounds: int) -> dict[str, list[float]]:
    """Start runs in turns; return the seconds until the first task of each had started."""
    running = find_running()
    assert running is not None
    (running.files.dags / "bare.py").write_text(BARE)
    client = running.client()
    wait_for_bare(client)
    experiment = Experiment(Workspace.get("benchmark"), "measured")
    ways = {
        "trigger": lambda _number: trigger(client),
        "submit": lambda _number: submit(experiment, 0),
        "new": lambda number: submit(experiment, number + 1),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, start in ways.items():
            time.sleep(random.random())  # the scheduler looks at moments of its own
            begin = time.time()
            seconds = first_start(client, *start(number)) - begin
            if number:  # the first of each warms up
                times[name].append(seconds)
    return times


def trigger(client: AirflowClient) -> tuple[str, str]:
    """Trigger the bare DAG, and return the ids of DAG and run."""
    run_id = uuid4().hex
    client.ask("POST", "/api/v2/dags/bare/dagRuns", {"dag_run_id": run_id, "logical_date": None})
    return "bare", run_id


def wait_for_bare(client: AirflowClient) -> None:
    """Wait until Airflow has found the bare DAG."""
    while not client.ask("GET", "/api/v2/dags?dag_id_pattern=bare")["total_entries"]:
        time.sleep(0.2)


def submit(experiment: Experiment, number: int) -> tuple[str, str]:
    """Submit a pipeline of one step, and return the ids of DAG and run."""
    step = PythonScriptStep("run.py", "step", [number], source_directory="source")
    with contextlib.redirect_stdout(io.StringIO()):
        run = experiment.submit(Pipeline(experiment.workspace, [step]))
    return str(run._record.dag_id), str(run._record.dag_run_id)


def first_start(client: AirflowClient, dag_id: str, run_id: str) -> float:
    """Wait for the end of a DAG run, and return when its first task had started."""
    place = f"/api/v2/dags/{dag_id}/dagRuns/{run_id}"
    while client.ask("GET", place)["state"] in ("queued", "running"):
        time.sleep(0.1)
    tasks = client.ask("GET", f"{place}/taskInstances")["task_instances"]
    return min(datetime.fromisoformat(task["start_date"]).timestamp() for task in tasks if task["start_date"])


if __name__ == "__main__":
    sys.exit(main())
