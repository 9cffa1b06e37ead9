"""
Parsing a DAG file with a 50-step pipeline against the same DAG of 50 EmptyOperators.

    python benchmarks/parse_dag_file.py [rounds]

As Airflow's DAG processor pays it: a process that has imported what the processor has (its manager, the modules of
Airflow that the file names, and the plugins) forks, and the child parses one file with Airflow's own importer. The two
files are parsed in turns. Times are processor time of the child, because a busy machine would decide about wall time;
that is printed beside it. The first line of a pair is the importer alone, the second the child's whole work with
checks and serialization. "without plugin" is a processor in which nothing of airflow-ml was imported before the fork.

Exit code 1 if the importer's ratio is over the limit, or a module was imported that a DAG file must not need.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

LIMIT = 1.3
STEPS = 50

#: What parsing must not import. SQLAlchemy is there in any case, because Airflow imports it; that we do not use it is
#: seen by the rooms of ours that would.
FORBIDDEN = ("pandas", "numpy", "docker", "azure", "obstore", "airflow_ml.registry", "airflow_ml.storage")
FORBIDDEN += ("airflow_ml.execution", "airflow_ml.snapshots", "airflow_ml.runtime")

OURS = f'''"""A chain of steps."""
from airflow_ml.core import Workspace
from airflow_ml.pipeline.core import Pipeline, PipelineData
from airflow_ml.pipeline.steps import PythonScriptStep

workspace = Workspace("subscription", "group", "benchmark")
steps, previous = [], []
for number in range({STEPS}):
    data = PipelineData(f"data_{{number}}")
    step = PythonScriptStep(
        "run.py",
        name=f"step_{{number}}",
        source_directory="source",
        compute_target="cpu",
        arguments=["--number", number, "--input", *previous, "--output", data],
        inputs=previous,
        outputs=[data],
    )
    steps.append(step)
    previous = [data]
dag = Pipeline(workspace, steps).to_dag("ours", schedule=None)  # for airflow's search for DAG files
'''
THEIRS = f'''"""The same chain of operators that do nothing."""
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

with DAG("theirs", schedule=None) as dag:
    previous = None
    for number in range({STEPS}):
        task = EmptyOperator(task_id=f"step_{{number}}")
        if previous is not None:
            previous >> task
        previous = task
'''
COLD = """
import sys
from airflow.dag_processing.importers import get_importer_registry
result = get_importer_registry().get_importer(sys.argv[1]).import_file(sys.argv[1], bundle_name="benchmark")
assert len(result.dags) == 1, result.errors
"""


def main() -> int:
    """Measure, print, and return 1 if a limit is passed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder)
        without = measure_processor(folder, rounds, plugin=False)
        report("without plugin", without)
        verdict = measure_processor(folder, rounds, plugin=True)
        report("with plugin", verdict)
        measure_cold(folder, max(3, rounds // 5))
    ratio = statistics.median(verdict["import"]["ours"]) / statistics.median(verdict["import"]["theirs"])
    found = without["forbidden"] + verdict["forbidden"]
    print(f"forbidden modules imported by the DAG file: {', '.join(found) or 'none'}")
    is_met = ratio <= LIMIT and not found
    print(f"parsing ratio {ratio:.2f} (allowed {LIMIT}): {'met' if is_met else 'NOT MET'}")
    return int(not is_met)


def prepare(folder: Path) -> None:
    """Write the DAG files, and settings under which every process keeps its bytecode, as an installed one does."""
    dags = folder / "dags"
    (dags / "source").mkdir(parents=True)
    (dags / "source" / "run.py").write_text("print('hello')\n")
    (dags / "ours.py").write_text(OURS)
    (dags / "theirs.py").write_text(THEIRS)
    os.environ.update(AIRFLOW_HOME=str(folder / "airflow"), AIRFLOW__CORE__LOAD_EXAMPLES="False")
    os.environ.update(PYTHONPYCACHEPREFIX=str(folder / "bytecode"), AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def measure_processor(folder: Path, rounds: int, *, plugin: bool) -> dict:
    """Run this file again as a DAG processor and return what it measured."""
    command = [sys.executable, __file__, "--processor", str(folder / "dags"), str(rounds), str(int(plugin))]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def processor(dags: Path, rounds: int, *, plugin: bool) -> None:
    """Be a DAG processor: import what it imports, then fork for each file."""
    import_like_the_processor(plugin=plugin)
    files = {name: dags / f"{name}.py" for name in ("theirs", "ours")}
    for work in (import_file, parse_file):  # bytecode of the modules and of the files
        for file in files.values():
            in_child(lambda work=work, file=file: work(file))
    results: dict[str, dict[str, list[float]]] = {
        kind: {"theirs": [], "ours": []} for kind in ("import", "import wall", "parse", "parse wall")
    }
    for _ in range(rounds):
        for name, file in files.items():
            for kind, work in (("import", import_file), ("parse", parse_file)):
                measured = in_child(lambda work=work, file=file: work(file))
                results[kind][name].append(measured["processor"])
                results[f"{kind} wall"][name].append(measured["wall"])
    forbidden = in_child(lambda: import_file(files["ours"]))["forbidden"]
    print(json.dumps({**results, "forbidden": forbidden}))


def import_like_the_processor(*, plugin: bool) -> None:
    """Do what `airflow dag-processor` does before its first fork."""
    importlib.import_module("airflow.dag_processing.manager")
    # Of the names that DAG files import, it takes those of Airflow into itself before it forks.
    for name in ("airflow.sdk", "airflow.providers.standard.operators.empty"):
        importlib.import_module(name)
    if plugin:
        # A job asks for the listeners when it is made, and that loads the plugins.
        importlib.import_module("airflow.listeners.listener").get_listener_manager()
    gc.freeze()


def import_file(file: Path) -> None:
    """Parse a file with Airflow's importer."""
    importers = importlib.import_module("airflow.dag_processing.importers")
    result = importers.get_importer_registry().get_importer(str(file)).import_file(str(file), bundle_path=file.parent)
    assert len(result.dags) == 1, result.errors


def parse_file(file: Path) -> None:
    """Do all that the processor's child does with a file."""
    module = importlib.import_module("airflow.dag_processing.processor")
    request = module.DagFileParseRequest(file=str(file), bundle_path=file.parent, bundle_name="benchmark")
    result = module._parse_file(request, importlib.import_module("structlog").get_logger())
    assert len(result.serialized_dags) == 1, result.import_errors


def in_child(work: Callable[[], None]) -> dict:
    """Do the work in a forked process and return its processor and wall time in milliseconds."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        before = set(sys.modules)
        wall, used = time.perf_counter(), time.process_time()
        work()
        used, wall = time.process_time() - used, time.perf_counter() - wall
        new = sorted(name for name in set(sys.modules) - before if is_forbidden(name))
        os.write(writer, json.dumps({"processor": used * 1000, "wall": wall * 1000, "forbidden": new[:20]}).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        text = pipe.read()
    assert os.waitpid(pid, 0)[1] == 0, "the child failed"
    return json.loads(text)


def is_forbidden(module: str) -> bool:
    """Tell whether a DAG file must not import the module."""
    return any(module == name or module.startswith(f"{name}.") for name in FORBIDDEN)


def measure_cold(folder: Path, rounds: int) -> None:
    """Print what a whole new process costs that parses one file, with Airflow's own import."""
    times: dict[str, list[float]] = {"theirs": [], "ours": []}
    for _ in range(rounds):
        for name, found in times.items():
            started = time.perf_counter()
            subprocess.run([sys.executable, "-c", COLD, str(folder / "dags" / f"{name}.py")], check=True)
            found.append((time.perf_counter() - started) * 1000)
    print(line("whole cold process, wall", times))


def report(title: str, results: dict) -> None:
    """Print the four lines of one processor."""
    for kind in ("import", "import wall", "parse", "parse wall"):
        print(line(f"{title}, {kind}", results[kind]))


def line(title: str, times: dict[str, list[float]]) -> str:
    """Return the medians of both files and their ratio."""
    theirs, ours = statistics.median(times["theirs"]), statistics.median(times["ours"])
    return f"{title:28} EmptyOperator {theirs:7.1f} ms   pipeline {ours:7.1f} ms   ratio {ours / theirs:.2f}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--processor"]:
        processor(Path(sys.argv[2]), int(sys.argv[3]), plugin=sys.argv[4] == "1")
    else:
        sys.exit(main())
