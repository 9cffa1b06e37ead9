"""
Short steps over two Celery workers, against as many BashOperators in the same Airflow that run the same script.

    python benchmarks/celery_steps.py [steps] [rounds]

PostgreSQL, Redis, API server, scheduler, DAG processor and the workers are started here; each worker has a queue of its
own and runs two tasks at once. Half of the tasks go to either queue, none waits for another. The steps may be reused,
but never are: a parameter is another one in each round. The two take turns; what is measured is the time from the
trigger to the end of the DAG run, with all that a pipeline has beyond its steps.

Exit code 1 if the ratio of the medians is over the limit.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from servers.postgres import running_postgres
from servers.redis import running_redis
from servers.scaled_out import ScaledOut, running_celery

from airflow_ml.core import Workspace

LIMIT = 1.5
STEPS = 200
QUEUES = ("cpu-cluster", "gpu-cluster")
TASKS_AT_ONCE = 2

SCRIPT = "import sys; print('step', sys.argv[1])\n"

BASH = """
import sys
from pathlib import Path
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator

script = Path(__file__).parent / "source" / "run.py"
with DAG("bash", max_active_tasks=1000):
    for number in range({steps}):
        BashOperator(
            task_id=f"step_{{number}}",
            bash_command=f"{{sys.executable}} {{script}} {{number}}",
            queue={queues}[number % {count}],
        )
"""

PIPELINE = """
from airflow_ml.core import Workspace
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.pipeline.core import Pipeline, PipelineParameter
from airflow_ml.pipeline.steps import PythonScriptStep

workspace = Workspace.get("benchmark")
sizes = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=100)
targets = [ComputeTarget.create(workspace, name, sizes) for name in {queues}]
salt = PipelineParameter("salt", default_value="")
steps = [
    PythonScriptStep(
        "run.py",
        f"step_{{number}}",
        [number, salt],
        compute_target=targets[number % {count}],
        source_directory="source",
    )
    for number in range({steps})
]
pipeline = Pipeline(workspace, steps).to_dag("pipeline", max_active_tasks=1000)
"""


def main() -> int:
    """Measure, print, and return 1 if the limit is passed."""
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else STEPS
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with (
        tempfile.TemporaryDirectory(prefix="aml-celery-") as folder,
        running_postgres() as make_database,
        running_redis() as broker,
    ):
        os.environ["AIRFLOW_ML_HOME"] = str(Path(folder, "ml"))
        os.environ["AIRFLOW_ML_REGISTRY"] = make_database()
        Workspace.create("benchmark", show_output=False)
        workers = dict.fromkeys(QUEUES, TASKS_AT_ONCE)
        with running_celery(Path(folder, "airflow"), make_database(), broker, workers) as airflow:
            write_dags(airflow.dags, steps)
            return measure(airflow, steps, rounds)


def write_dags(dags: Path, steps: int) -> None:
    """Write the two DAG files and the script that both run."""
    (dags / "source").mkdir(parents=True)
    (dags / "source" / "run.py").write_text(SCRIPT)
    (dags / ".airflowignore").write_text("source/\n")
    for name, text in (("bash", BASH), ("pipeline", PIPELINE)):
        (dags / f"{name}.py").write_text(text.format(steps=steps, queues=QUEUES, count=len(QUEUES)))


def measure(airflow: ScaledOut, steps: int, rounds: int) -> int:
    """Run both in turns, compare, and return the exit code."""
    times: dict[str, list[float]] = {"bash": [], "pipeline": []}
    for number in range(rounds + 1):
        for name, found in times.items():
            seconds = run(airflow, name)
            print(f"{name:8} {seconds:6.1f} s{'' if number else '   (warms up)'}", flush=True)
            if number:
                found.append(seconds)
    for name, found in times.items():
        median = statistics.median(found)
        print(f"{name:8} median {median:6.1f} s, {median / steps * 1000:.0f} ms a task")
    ratio = statistics.median(times["pipeline"]) / statistics.median(times["bash"])
    print(f"ratio {ratio:.2f} (allowed {LIMIT}): {'met' if ratio <= LIMIT else 'NOT MET'}")
    return int(ratio > LIMIT)


def run(airflow: ScaledOut, dag_id: str) -> float:
    """Run a DAG to its end and return the seconds that it took."""
    airflow.wait_for_dag(dag_id)
    began = time.monotonic()
    run_id = airflow.trigger(dag_id, {"salt": uuid.uuid4().hex} if dag_id == "pipeline" else None)
    state = airflow.finish(dag_id, run_id, 600)
    seconds = time.monotonic() - began
    assert state == "success", airflow.tasks(dag_id, run_id)
    queues = {task.queue for name, task in airflow.tasks(dag_id, run_id).items() if name.startswith("step_")}
    assert queues == set(QUEUES), queues
    return seconds


if __name__ == "__main__":
    sys.exit(main())
