"""
What the decision about reuse costs: 1,000 steps against 100, and its memory beside much data.

    python benchmarks/decide.py [ROUNDS] [FILES] [MEGABYTES]

A chain of steps is recorded as if it had run, one output each, and decided again in process, turn by turn; every step
must be found to be reused. The ratio of the medians tells whether it grows with the steps alone. Then a process of its
own decides one step that reads a dataset of 200,000 files and a file of 2 GB, and whose output is 200,000 files; its
growth over what importing and opening took is printed, first with nothing remembered and then with everything.

Exit code 1 if one of the figures is over its limit.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

LIMIT = 12.0
MEMORY_LIMIT = 150.0
MANY, FEW = 1000, 100


def main() -> int:
    """Measure both, print, and return the exit code."""
    rounds, files, megabytes = (int(value) for value in (*sys.argv[1:4], *("5", "200000", "2048")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as folder:
        ratio = measure_growth(Path(folder), rounds)
    with tempfile.TemporaryDirectory() as folder:
        peak = measure_memory(Path(folder), files, megabytes)
    return int(ratio > LIMIT or peak > MEMORY_LIMIT)


def measure_growth(folder: Path, rounds: int) -> float:
    """Return how much longer the decision for many steps takes than that for few."""
    with opened(folder) as services:
        chains = {count: chain(folder, count) for count in (FEW, MANY)}
        for count, graph in chains.items():
            started = time.perf_counter()
            record_chain(services, graph)
            print(f"{count} steps recorded in {time.perf_counter() - started:.1f} s")
        times: dict[int, list[float]] = {count: [] for count in chains}
        for _ in range(rounds):
            for count, graph in chains.items():
                started = time.perf_counter()
                decide_all(services, graph)
                times[count].append(time.perf_counter() - started)
    few, many = (statistics.median(times[count]) for count in (FEW, MANY))
    print(f"{FEW} steps {few * 1000:.0f} ms, {MANY} steps {many * 1000:.0f} ms: ratio {many / few:.1f} (limit {LIMIT})")
    return many / few


def opened(folder: Path) -> Any:
    """Open a workspace in the folder."""
    os.environ["AIRFLOW_ML_HOME"] = str(folder / "home")
    os.environ.pop("AIRFLOW_ML_REGISTRY", None)
    from airflow_ml.execution.services import open_services
    from airflow_ml.graph import WorkspaceRef

    return open_services(WorkspaceRef("benchmark"))


def chain(folder: Path, count: int) -> Any:
    """Return a chain of steps over one source directory, named after their number."""
    from airflow_ml.graph import Graph, InputPort, InputRef, OutputPort, OutputRef, Step, StepOutputSource, WorkspaceRef

    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / "copy.py").write_text("print()\n", encoding="utf-8")
    steps = tuple(
        Step(
            f"s{number}",
            f"step {number} of {count}",
            "python_script",
            script="copy.py",
            arguments=(("--number",), (f"{number} of {count}",), ("--out",), (OutputRef("out"),))
            + ((("--in",), (InputRef("data"),)) if number else ()),
            inputs=(InputPort("data", StepOutputSource(f"s{number - 1}", "out")),) if number else (),
            outputs=(OutputPort("out"),),
            source_directory=str(folder / "code"),
        )
        for number in range(count)
    )
    return Graph(f"chain of {count}", WorkspaceRef("benchmark"), steps)


def question(services: Any, graph: Any, **options: Any) -> Any:
    """Ask as a plan does."""
    from airflow_ml.execution.captures import current_code
    from airflow_ml.reuse.decisions import Question

    return Question(parameters={}, code=current_code(services, graph), **options)


def decide_all(services: Any, graph: Any) -> None:
    """Decide every step, and make sure that it is reused."""
    from airflow_ml.reuse.decisions import decide

    decisions = decide(services.reuse, graph, question(services, graph))
    others = [decision for decision in decisions.values() if decision.action != "reuse"]
    if others:
        raise SystemExit(f"{len(others)} of {len(decisions)} steps are not reused, for instance {others[0]}")


def record_chain(services: Any, graph: Any) -> None:
    """Record a run of each step, with one small output."""
    from airflow_ml.storage.commit import commit_output

    settled: dict[str, Any] = {}
    pipeline = services.registry.runs.create("e", graph.name, kind="pipeline", status="Running")
    for step in graph.steps:
        run = begin(services, pipeline, step)
        written = services.home.root / "written"
        written.write_text(step.name, encoding="utf-8")
        manifest = commit_output(
            services.store("workspaceblobstore"),
            written,
            destination=f"azureml/{run.id}/out",
            run_id=run.id,
            output="out",
            datastore="workspaceblobstore",
        )
        settled[step.id] = complete(services, graph, step, run, manifest, settled)
    services.registry.runs.set_status(pipeline.id, "Completed")


def begin(services: Any, pipeline: Any, step: Any) -> Any:
    """Record a run of a step that has begun."""
    return services.registry.runs.create(
        "e", step.name, kind="step", parent_id=pipeline.id, node_id=step.id, status="Running"
    )


def complete(services: Any, graph: Any, step: Any, run: Any, manifest: Any, settled: dict[str, Any]) -> dict[str, Any]:
    """Record the end of a run with its output and its result, and return the outputs."""
    from airflow_ml.registry import NewResult, OutputRecord
    from airflow_ml.reuse.decisions import fingerprint_of
    from airflow_ml.storage.manifests import manifest_path

    fingerprint = fingerprint_of(services.reuse, graph, step, question(services, graph, settled=settled))
    output = OutputRecord(
        run_id=run.id,
        name="out",
        kind="pipeline_data",
        datastore="workspaceblobstore",
        path=manifest.path,
        is_file=manifest.is_file,
        digest=manifest.digest,
        manifest_path=manifest_path(run.id, "out"),
        files=len(manifest.files),
        size=manifest.size,
        committed_at=datetime.now(timezone.utc),
    )
    records = [record.to_data() for record in fingerprint.records]
    result = NewResult(fingerprint.digest, step.name, graph.name, records, None)
    services.registry.runs.finish_step(run.id, status="Completed", outputs=[output], result=result)
    return {"out": output}


def measure_memory(folder: Path, files: int, megabytes: int) -> float:
    """Return by how many megabytes a process grows that decides about much data, the worse of two looks."""
    started = time.perf_counter()
    run_child("fill", folder, files, megabytes)
    print(f"{files:,} files and {megabytes:,} MB written and recorded in {time.perf_counter() - started:.0f} s")
    peaks = []
    for look in ("first", "second"):
        if look == "first":
            for place in (folder / "home" / "digests").rglob("*.db*"):
                place.unlink()
        seconds, peak = (float(word) for word in run_child("look", folder, files, megabytes).split())
        print(f"{look} look: {seconds:.1f} s, {peak:.0f} MB over the import (limit {MEMORY_LIMIT:.0f})")
        peaks.append(peak)
    return max(peaks)


def run_child(what: str, folder: Path, files: int, megabytes: int) -> str:
    """Do something in a process of its own and return what it printed."""
    command = [sys.executable, __file__, "--child", what, str(folder), str(files), str(megabytes)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def child(what: str, folder: Path, files: int, megabytes: int) -> None:
    """Fill the store, or decide and print seconds and growth in megabytes."""
    with opened(folder) as services:
        graph = wide_graph(folder)
        if what == "fill":
            fill(services, graph, files, megabytes)
            return
        import airflow_ml.execution.reusing  # noqa: F401 - all that a decision imports

        before = memory("VmRSS")
        started = time.perf_counter()
        decide_all(services, graph)
        seconds = time.perf_counter() - started
        print(seconds, memory("VmHWM") - before)


def memory(name: str) -> float:
    """Return megabytes that this program uses, or used at most; a child's `ru_maxrss` begins with its parent's."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def wide_graph(folder: Path) -> Any:
    """Return one step that reads a dataset of many files and a large one."""
    from airflow_ml.graph import DataReferenceSource, DatasetSource, Graph, InputPort, OutputPort, Step, WorkspaceRef

    (folder / "code").mkdir(exist_ok=True)
    (folder / "code" / "run.py").write_text("print()\n", encoding="utf-8")
    definition = {"kind": "file", "sources": [{"datastore": "workspaceblobstore", "path": "many/"}]}
    step = Step(
        "s",
        "s",
        "python_script",
        script="run.py",
        inputs=(
            InputPort("many", DatasetSource(definition=definition)),
            InputPort("large", DataReferenceSource("workspaceblobstore", "large.bin")),
        ),
        outputs=(OutputPort("out", destination="many"),),
        source_directory=str(folder / "code"),
    )
    return Graph("wide", WorkspaceRef("benchmark"), (step,))


def fill(services: Any, graph: Any, files: int, megabytes: int) -> None:
    """Write the data, and record a run whose output is the many files."""
    from airflow_ml.storage.manifests import Manifest, ManifestFile, manifest_path

    store = services.store("workspaceblobstore")
    for number in range(files):
        place = store.root / "many" / f"{number // 1000:04}" / f"{number:08}.txt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(str(number), encoding="utf-8")
    with (store.root / "large.bin").open("wb") as stream:
        stream.truncate(megabytes << 20)
    pipeline = services.registry.runs.create("e", graph.name, kind="pipeline", status="Running")
    run = begin(services, pipeline, graph.steps[0])
    listed = tuple(
        ManifestFile(info.path[len("many/") :], info.size, "0" * 64, info.etag) for info in store.list("many")
    )
    manifest = Manifest(run.id, "out", "workspaceblobstore", "many", is_file=False, files=tuple(listed))
    store.write(manifest_path(run.id, "out"), manifest.to_json().encode())
    complete(services, graph, graph.steps[0], run, manifest, {})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
    else:
        sys.exit(main())
