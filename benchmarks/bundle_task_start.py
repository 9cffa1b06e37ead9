"""
A task's start in a DAG bundle of 1,000 published pipelines against its start in a bundle of one.

    python benchmarks/bundle_task_start.py [rounds]

As a worker of Airflow pays it: a process that has imported what workers have forks, and the child asks for the bundle
in the version of its DAG run, makes it ready, and parses the one file of its DAG. Each pipeline has 20 steps. The two
bundles take turns. "known version" is a version that a task on this machine has had before; "new version" is one that
came since, because another pipeline was published, and that no task has had.

Also printed is what the DAG processor pays in the larger bundle for one more pipeline: the bundle's refresh.

Exit code 1 if a ratio of the medians is over the limit.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from airflow_ml.core import Workspace
from airflow_ml.graph import WorkspaceRef
from airflow_ml.pipeline.core import Pipeline, PipelineData
from airflow_ml.pipeline.steps import PythonScriptStep
from airflow_ml.registry import open_shared
from airflow_ml.translation.registered_dags import register_dag

LIMIT = 1.2
PIPELINES = 1_000
STEPS = 20

DAG_ID = "measured"


def main() -> int:
    """Measure, print, and return 1 if a limit is passed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 41
    with tempfile.TemporaryDirectory(prefix="aml-bundles-") as folder:
        prepare(Path(folder))
        from airflow_ml.translation import preload

        preload.preload_tasks()
        for name, count in (("one", 1), ("many", PIPELINES)):
            fill(name, count)
        print(f"refresh of the bundle of {PIPELINES} after one more: {refresh_seconds('many') * 1000:.1f} ms")
        is_met = True
        for kind, change in (("known version", nothing), ("new version", one_more)):
            is_met &= compare(kind, change, rounds)
    return int(not is_met)


def prepare(folder: Path) -> None:
    """Set the environment up for an Airflow with a bundle for each of the two workspaces."""
    bundles = [
        {
            "name": name,
            "classpath": "airflow_ml.translation.bundle.WorkspaceBundle",
            "kwargs": {"workspace": name, "refresh_interval": 1},
        }
        for name in ("one", "many")
    ]
    os.environ.update(
        AIRFLOW_ML_HOME=str(folder / "home"),
        AIRFLOW_HOME=str(folder / "airflow"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__LOGGING__LOGGING_LEVEL="WARNING",
        AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST=json.dumps(bundles),
        AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_STORAGE_PATH=str(folder / "bundles"),
    )
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.chdir(folder)
    Path("source").mkdir()
    Path("source", "run.py").write_text("")


def fill(name: str, count: int) -> None:
    """Make a workspace with so many pipelines, each with a graph of its own."""
    workspace = Workspace.create(name, show_output=False)
    for number in range(count - 1):
        register(workspace, f"dag_{number}", number)
    register(workspace, DAG_ID, -1)


def register(workspace: Workspace, dag_id: str, number: int) -> None:
    """Record a DAG."""
    steps, previous = [], []
    for step in range(STEPS):
        data = PipelineData(f"data_{step}")
        steps.append(
            PythonScriptStep(
                "run.py", f"step_{step}", [number, data, *previous], inputs=previous, outputs=[data],
                source_directory="source",
            )
        )  # fmt: skip
        previous = [data]
    register_dag(open_shared(workspace.ref), Pipeline(workspace, steps)._graph, dag_id)


def nothing(_name: str) -> None:
    """Leave the version as it is."""


def one_more(name: str) -> None:
    """Make a version that no task has had."""
    workspace = Workspace.from_ref(WorkspaceRef(name))
    number = open_shared(workspace.ref).dag_versions.last_number() + 1
    register(workspace, f"later_{number}" if name == "many" else "second", number)


def refresh_seconds(name: str) -> float:
    """Return what a refresh takes that finds one more pipeline."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager

    bundle = DagBundlesManager().get_bundle(name)
    bundle.initialize()
    one_more(name)
    begin = time.perf_counter()
    bundle.refresh()  # sees it, and leaves it to the plugin
    seconds = time.perf_counter() - begin
    time.sleep(11)
    begin = time.perf_counter()
    bundle.refresh()
    return seconds + time.perf_counter() - begin


def compare(kind: str, change: Callable[[str], None], rounds: int) -> bool:
    """Start a task in each bundle in turns, and tell whether the limit is kept."""
    times: dict[str, list[float]] = {"one": [], "many": []}
    for number in range(rounds + 1):
        for name, found in times.items():
            change(name)
            version = str(open_shared(WorkspaceRef(name)).dag_versions.last_number())
            seconds = start_seconds(name, version)
            if number:  # the first of each warms up
                found.append(seconds)
    medians = {name: statistics.median(found) for name, found in times.items()}
    ratio = medians["many"] / medians["one"]
    is_met = ratio <= LIMIT
    print(
        f"{kind}: bundle of one {medians['one'] * 1000:.1f} ms, of {PIPELINES} {medians['many'] * 1000:.1f} ms,"
        f" ratio {ratio:.2f} (allowed {LIMIT}): {'met' if is_met else 'NOT MET'}",
        flush=True,
    )
    return is_met


def start_seconds(name: str, version: str) -> float:
    """Fork a task, and return the seconds until it has its DAG."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag

    reader, writer = os.pipe()
    if os.fork() == 0:
        begin = time.perf_counter()
        bundle = DagBundlesManager().get_bundle(name, version=version)
        bundle.initialize()
        place = bundle.path / name / f"{DAG_ID}.py"
        bag = BundleDagBag(dag_folder=place, safe_mode=False, bundle_path=bundle.path, bundle_name=name)
        is_there = len(bag.dags[DAG_ID].task_dict) == STEPS + 2
        os.write(writer, str(time.perf_counter() - begin if is_there else -1).encode())
        os._exit(0)
    os.wait()
    seconds = float(os.read(reader, 100))
    os.close(reader)
    os.close(writer)
    assert seconds > 0, "the DAG was not made"
    return seconds


if __name__ == "__main__":
    sys.exit(main())
