"""
Fifty trivial steps through Airflow's in-process runner, beside fifty BashOperators that start the same scripts.

    python benchmarks/in_process_runner.py [STEPS] [ROUNDS]

Both DAGs are run by `dag.test()` in one process, alternately, on one migrated SQLite database; the first run of each
is not counted. Prints seconds for each and the ratio; the limit is 2.0.
"""

from __future__ import annotations

import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

LIMIT = 2.0

DAG_FILE = """
from pathlib import Path
import sys
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator
from airflow_ml.core import Workspace
from airflow_ml.pipeline.core import Pipeline
from airflow_ml.pipeline.steps import PythonScriptStep

workspace = Workspace(None, None, "benchmark")
steps = [
    PythonScriptStep("step.py", name=f"step_{{n}}", arguments=[n], source_directory="source") for n in range({steps})
]
ours = Pipeline(workspace, steps).to_dag("ours")
with DAG("bash") as bash:
    for n in range({steps}):
        command = f"{{sys.executable}} {{Path(__file__).parent}}/source/step.py {{n}}"
        BashOperator(task_id=f"step_{{n}}", bash_command=command)
"""


def main() -> None:
    """Run the comparison."""
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as folder:
        times = _measure(Path(folder), steps, rounds)
    bash, ours = (statistics.median(times[name]) for name in ("bash", "ours"))
    print(f"{steps} BashOperators: {bash:.2f} s ({1000 * bash / steps:.0f} ms a task)")
    print(f"{steps} steps:         {ours:.2f} s ({1000 * ours / steps:.0f} ms a step)")
    print(f"ratio {ours / bash:.2f} (limit {LIMIT})")


def _measure(folder: Path, steps: int, rounds: int) -> dict[str, list[float]]:
    dags = folder / "dags"
    (dags / "source").mkdir(parents=True)
    (dags / "source" / "step.py").write_text("import sys\nprint(sys.argv)\n", encoding="utf-8")
    (dags / "source" / ".airflowignore").touch()
    (dags / ".airflowignore").write_text("source/\n", encoding="utf-8")
    (dags / "both.py").write_text(DAG_FILE.format(steps=steps), encoding="utf-8")
    os.environ["AIRFLOW_ML_HOME"] = str(folder / "home")
    from airflow_ml.translation.airflow_settings import embedded_settings

    settings = embedded_settings(folder / "airflow", database=folder / "airflow.db", folder=folder)
    os.environ.update({**settings, "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR"})
    import airflow  # noqa: F401 - reads the settings above
    from airflow.dag_processing.dagbag import DagBag
    from airflow.utils.db import initdb

    initdb()
    logging.disable(logging.ERROR)
    bag = DagBag(dag_folder=dags)
    assert not bag.import_errors, bag.import_errors
    times: dict[str, list[float]] = {"bash": [], "ours": []}
    for number in range(rounds + 1):
        for name in times:
            started = time.perf_counter()
            run = bag.dags[name].test()
            if number:
                times[name].append(time.perf_counter() - started)
            assert run.state == "success", f"{name}: {run.state}"
    return times


if __name__ == "__main__":
    main()
