"""
What the in-step library adds to `python script.py`: imports, `Run.get_context()` and one metric.

Runs a script with and without it in turns, so that a busy machine slows both, and compares the medians. Ends with 1 if
the limit is passed.

    python benchmarks/in_step_library.py [PYTHON] [ROUNDS]
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from airflow_ml.runtime import library
from airflow_ml.runtime.protocol import RUN_DIRECTORY_VARIABLE, VERSION, RunDirectory

LIMIT = 30.0

SCRIPTS = {
    "without": "pass\n",
    "with": "from azureml.core import Run\nrun = Run.get_context()\nrun.log('a', 1)\n",
}


def prepare(root: Path) -> dict[str, str]:
    """Write a run directory, the library and the scripts below root, and return the step's environment."""
    directory = RunDirectory(root / "run")
    Path(directory.code).mkdir(parents=True)
    run = {"id": "r", "name": "train", "number": None, "experiment": "e", "experiment_id": None}
    context = {
        "protocol": VERSION,
        "run": {**run, "parent_id": None, "root_id": None, "attempt": 1},
        "workspace": {"name": "w", "subscription_id": None, "resource_group": None, "id": None},
        **{part: {} for part in ("parameters", "inputs", "outputs", "tags", "properties")},
    }
    Path(directory.context).write_text(json.dumps(context))
    for name, text in SCRIPTS.items():
        (Path(directory.code) / f"{name}.py").write_text(text)
    library.build(root / "library")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, RUN_DIRECTORY_VARIABLE: directory.root, "PYTHONPATH": str(root / "library")}


def measure(python: str, rounds: int) -> dict[str, float]:
    """Return each script's median time in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in SCRIPTS}
    with tempfile.TemporaryDirectory() as root:
        environment = prepare(Path(root))
        for number in range(rounds + 1):
            for name, measured in times.items():
                command = [python, os.path.join(root, "run", "code", f"{name}.py")]  # noqa: PTH118 - plain text
                start = time.perf_counter()
                subprocess.run(command, env=environment, check=True)
                # The first round compiles the library for an interpreter that did not build it.
                if number:
                    measured.append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(measured) for name, measured in times.items()}


def main() -> int:
    """Measure, print and compare with the limit."""
    python = sys.argv[1] if len(sys.argv) > 1 else sys.executable
    medians = measure(python, int(sys.argv[2]) if len(sys.argv) > 2 else 21)
    added = medians["with"] - medians["without"]
    print(f"python script.py without the library {medians['without']:6.1f} ms (median)")
    print(f"python script.py with the library    {medians['with']:6.1f} ms (median)")
    print(f"added                                {added:6.1f} ms, limit {LIMIT:.0f} ms")
    return 0 if added <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
