"""
From publishing a pipeline to a DAG that can be triggered, against Airflow's own parse and sync of the same DAG file.

    python benchmarks/publish_to_runnable.py [rounds]

Both write into the database of the same Airflow (`airflow-ml service`), in turns. Ours is the whole of
`Pipeline.publish`: its checks, the capture of the code, the registry, and the request to the plugin by which the DAG
becomes known. Theirs is what Airflow's DAG processor does with a file that is new, in a process that has imported
everything: `DagBag(file)` and `sync_bag_to_db`; the search for the file, for which the processor would wait, and the
fork are left out. Every round publishes a pipeline that nobody has seen, of 20 steps.

Exit code 1 if the ratio of the medians is over the limit.
"""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from airflow_ml.core import Workspace
from airflow_ml.pipeline.core import Pipeline, PipelineData
from airflow_ml.pipeline.steps import PythonScriptStep
from airflow_ml.registry import Home
from airflow_ml.translation.airflow_settings import service_settings
from airflow_ml.translation.service import find_running
from airflow_ml.translation.service_files import ServiceFiles

LIMIT = 3.0
STEPS = 20

DAG_FILE = '''"""The same pipeline in a DAG file."""
from publish_to_runnable import make_pipeline

dag = make_pipeline({number}).to_dag("file_{number}")  # for airflow's search
'''

#: Reads the paths of DAG files, and answers with the seconds that each took.
PEER = """
import sys, time
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow_ml.translation import preload
preload.preload()
print("ready", flush=True)
for line in sys.stdin:
    begin = time.perf_counter()
    bag = DagBag(line.strip(), bundle_name="dags-folder", safe_mode=False)
    sync_bag_to_db(bag, "dags-folder", None)
    seconds = time.perf_counter() - begin
    print("seconds", seconds if len(bag.dags) == 1 else bag.import_errors, flush=True)
"""


def main() -> int:
    """Measure, print, and return 1 if the limit is passed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with service("aml-publish-") as folder:
        times = measure(folder, rounds)
    for name, found in times.items():
        listed = " ".join(f"{seconds * 1000:.0f}" for seconds in found)
        print(f"{name:18} median {statistics.median(found) * 1000:.0f} ms   ({listed})")
    ratio = statistics.median(times["publish"]) / statistics.median(times["parse and sync"])
    is_met = ratio <= LIMIT
    print(f"ratio {ratio:.2f} (allowed {LIMIT}): {'met' if is_met else 'NOT MET'}")
    return int(not is_met)


@contextlib.contextmanager
def service(prefix: str) -> Iterator[Path]:
    """Run an Airflow service with a home, workspace and script of its own, in a folder that becomes the current one."""
    with tempfile.TemporaryDirectory(prefix=prefix) as folder:
        os.environ["AIRFLOW_ML_HOME"] = folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        (Path(folder) / "source").mkdir()
        (Path(folder) / "source" / "run.py").write_text("")
        os.chdir(folder)
        Workspace.create("benchmark", show_output=False)
        command = [sys.executable, "-m", "airflow_ml.cli.main", "service"]
        subprocess.run([*command, "start", "--port", "0"], check=True)
        try:
            yield Path(folder)
        finally:
            subprocess.run([*command, "stop"], check=True)


def make_pipeline(number: int) -> Pipeline:
    """Return a chain of steps that differs from that of every other number."""
    steps, previous = [], []
    for step in range(STEPS):
        data = PipelineData(f"data_{step}")
        arguments = [number, data, *previous]
        steps.append(
            PythonScriptStep(
                "run.py", f"step_{step}", arguments, inputs=previous, outputs=[data], source_directory="source"
            )
        )
        previous = [data]
    return Pipeline(Workspace.get("benchmark"), steps)


def measure(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Publish and parse in turns; return the seconds of each."""
    times: dict[str, list[float]] = {"publish": [], "parse and sync": []}
    with peer() as asked:
        for number in range(rounds + 1):
            found = {"publish": publish_seconds(number), "parse and sync": parse_seconds(asked, folder, number)}
            if number:  # the first of each warms up
                for name, seconds in found.items():
                    times[name].append(seconds)
    return times


def publish_seconds(number: int) -> float:
    """Publish a new pipeline, and return the seconds until its DAG could be triggered."""
    pipeline = make_pipeline(number)
    begin = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        published = pipeline.publish(f"pipeline {number}")
    assert published.runnable == "now"
    return time.perf_counter() - begin


@contextlib.contextmanager
def peer() -> Iterator[subprocess.Popen[str]]:
    """Start a process that parses DAG files into the database of the service."""
    running = find_running()
    assert running is not None
    files = ServiceFiles.of(Home.default())
    settings = service_settings(files.root, database_url=f"sqlite:///{files.database}", port=0)
    process = subprocess.Popen(
        [sys.executable, "-c", PEER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **settings, "PYTHONPATH": str(Path(__file__).parent)},
    )
    try:
        answer_of(process, "ready")
        yield process
    finally:
        process.stdin.close()
        process.wait(60)


def parse_seconds(process: subprocess.Popen[str], folder: Path, number: int) -> float:
    """Let the other process parse a new file, and return the seconds that it took."""
    place = folder / f"file_{number}.py"
    place.write_text(DAG_FILE.format(number=number))
    process.stdin.write(f"{place}\n")
    process.stdin.flush()
    return float(answer_of(process, "seconds"))


def answer_of(process: subprocess.Popen[str], word: str) -> str:
    """Return the rest of the next line that begins with a word; Airflow prints others."""
    for line in process.stdout:
        if line.startswith(word):
            return line.removeprefix(word).strip()
    raise AssertionError("the process that parses has ended")


if __name__ == "__main__":
    sys.exit(main())
