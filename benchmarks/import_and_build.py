"""
Importing the face and building a pipeline of 50 steps against an empty Python process.

    python benchmarks/import_and_build.py [rounds]

Whole processes, started in turns; their processor time (user and system) is compared, because a busy machine would
decide about wall time. The modules of airflow-ml are compiled beforehand, as an installed package's are.

Exit code 1 if the ratio is over the limit, or a module was imported that building must not need.
"""

from __future__ import annotations

import compileall
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT = 3.0
STEPS = 50

#: What building must not import.
FORBIDDEN = ("airflow.", "pandas", "numpy", "docker", "azure", "obstore", "sqlalchemy")
FORBIDDEN_OURS = ("airflow_ml.registry", "airflow_ml.storage", "airflow_ml.execution", "airflow_ml.runtime")

BUILD = f"""
import airflow_ml.core
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
        arguments=["--number", number, "--input", *previous, "--output", data],
        inputs=previous,
        outputs=[data],
    )
    steps.append(step)
    previous = [data]
assert len(Pipeline(workspace, steps).graph.steps) == {STEPS}
"""
NAMES = "\nimport sys; print(*[name for name in sys.modules])"


def main(rounds: int) -> int:
    """Print the ratio and say whether it holds."""
    import airflow_ml

    compileall.compile_dir(Path(airflow_ml.__file__).parent, quiet=2)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "source").mkdir()
        (Path(folder) / "source" / "run.py").touch()
        pairs = [(_seconds(BUILD, folder), _seconds("pass", folder)) for _ in range(rounds + 1)][1:]
        names = subprocess.run(
            [sys.executable, "-c", BUILD + NAMES], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.split()
    ratio = statistics.median(ours / empty for ours, empty in pairs)
    ours, empty = (statistics.median(column) for column in zip(*pairs, strict=True))
    heavy = sorted({name for name in names if name.startswith((*FORBIDDEN, *FORBIDDEN_OURS))})
    print(
        f"import and {STEPS} steps: {ours * 1000:.1f} ms, an empty process: {empty * 1000:.1f} ms, {len(pairs)} pairs"
    )
    print(f"ratio: {ratio:.2f} (limit {LIMIT})")
    print(f"modules that building must not need: {', '.join(heavy) or 'none'}")
    return int(ratio > LIMIT or bool(heavy))


def _seconds(code: str, folder: str) -> float:
    """Return the processor time of one Python process."""
    process = subprocess.Popen([sys.executable, "-c", code], cwd=folder)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the benchmark's process ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 20))
