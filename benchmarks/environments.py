"""
Environments: ten tasks that need a new one at once, and the start of a step whose environment is there.

    python benchmarks/environments.py [rounds]

Ten processes ask for the same new environment at the same moment, whose installer takes two seconds: one builds, and
the other nine must have it within a second of the build's end. Then a trivial step is prepared and run with a built
environment and without one, in turns: at most twice the time, and no installer may be started. Packages are a wheel of
the benchmark's own; no network is used. The last line is the verdict.
"""

from __future__ import annotations

import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

from airflow_ml.compute.environments import EnvironmentBuilder
from airflow_ml.compute.interpreters import find_uv
from airflow_ml.compute.process_launcher import ProcessLauncher
from airflow_ml.compute.request import ProcessRequest, inherited_environment

TASKS = 10
ALLOWED_SECONDS = 1.0
ALLOWED_RATIO = 2.0
BUILD_SECONDS = 2

ASK = """
import json, sys, time
from pathlib import Path
from airflow_ml.compute.environments import EnvironmentBuilder
builder = EnvironmentBuilder(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
found = builder.build(json.loads(sys.argv[2]))
print(json.dumps([time.time(), found.log.splitlines()[0]]))
"""


def main() -> int:
    """Measure, print, and return 1 if something is over what is allowed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        definition = write_definition(folder)
        builds, lag = ten_at_once(folder, definition)
        ratio = start_built(folder, definition, rounds)
    is_good = builds == 1 and lag <= ALLOWED_SECONDS and ratio <= ALLOWED_RATIO
    print(
        f"{builds} build for {TASKS} tasks; the last has it {lag:.2f} s after its end (allowed {ALLOWED_SECONDS:.0f} s)"
    )
    print(f"{ratio:.2f} times the start without an environment (allowed {ALLOWED_RATIO:.0f})")
    return int(not is_good)


def write_definition(folder: Path) -> dict[str, object]:
    """Write a wheel and return a definition that installs it."""
    (folder / "wheels").mkdir()
    with zipfile.ZipFile(folder / "wheels" / "tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny.py", "VALUE = 1\n")
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")
    pip = ["--no-index", f"--find-links {folder / 'wheels'}", "tiny"]
    return {"name": "benchmark", "python": {"conda_dependencies": {"dependencies": [{"pip": pip}]}}}


def ten_at_once(folder: Path, definition: Mapping[str, object]) -> tuple[int, float]:
    """Return how many built, and how long after the build's end the last one had the environment."""
    uv = find_uv()
    assert uv is not None
    slow = folder / "bin" / "uv"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\n[ $1 = pip ] && sleep {BUILD_SECONDS}\nexec {shlex.join(uv)} "$@"\n')
    slow.chmod(0o755)
    environment = {**os.environ, "PATH": f"{slow.parent}:{os.environ['PATH']}"}
    root = folder / "environments"
    command = [sys.executable, "-c", ASK, str(root), json.dumps(definition)]
    tasks = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(TASKS)
    ]
    for task in tasks:
        assert task.stdout is not None
        task.stdout.readline()
    for task in tasks:
        assert task.stdin is not None
        task.stdin.write("\n")
        task.stdin.flush()
    answers = [json.loads(task.communicate()[0]) for task in tasks]
    (marker,) = root.glob("*/airflow-ml.json")
    built = json.loads(marker.read_text())["built"]
    return sum(": built " in said for _, said in answers), max(at for at, _ in answers) - built


def start_built(folder: Path, definition: Mapping[str, object], rounds: int) -> float:
    """Return how many times longer a step takes to prepare and run with an environment that is there."""
    root = folder / "environments"
    os.environ["PATH"] = f"{refusing_installer(folder)}:{os.environ['PATH']}"
    EnvironmentBuilder(root).build(definition).close()
    without, with_environment = [], []
    for _ in range(rounds):
        without.append(measure(folder, root, {"name": "benchmark"}))
        with_environment.append(measure(folder, root, definition))
    plain, built = statistics.median(without), statistics.median(with_environment)
    print(f"without an environment  median {plain:6.1f} ms, least {min(without):6.1f} ms")
    print(f"with one that is there  median {built:6.1f} ms, least {min(with_environment):6.1f} ms")
    return built / plain


def refusing_installer(folder: Path) -> Path:
    """Return a folder with a uv that fails, to be found first: nothing may be installed any more."""
    program = folder / "no-installer" / "uv"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 9\n")
    program.chmod(0o755)
    return program.parent


def measure(folder: Path, root: Path, definition: Mapping[str, object]) -> float:
    """Return how many milliseconds it takes from the definition to the end of a script that does nothing."""
    started = time.perf_counter()
    found = EnvironmentBuilder(root).build(definition)  # type: ignore[arg-type]  # plain data
    request = ProcessRequest(
        argv=(str(found.python), "-c", "pass"),
        cwd=folder,
        environment=inherited_environment(),
        log_path=folder / "log.txt",
        attempt_directory=folder,
        marker="benchmark",
        held=found.held,
    )
    outcome = ProcessLauncher().launch(request).wait()
    found.close()
    assert outcome is not None
    assert outcome.succeeded
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    sys.exit(main())
