"""
Asking what would run when nothing has changed: `airflow-ml plan` against `dvc repro` of the same chain.

    python benchmarks/plan_unchanged.py [STEPS] [ROUNDS] [FOLDER]

A chain of 50 steps, each of which copies a small file, is run once by both; then both are asked again, in turns, as
whole processes. DVC is installed into a virtual environment of its own, in FOLDER if it is given, where later calls
find it; without a package index only our times are printed.

Both have their bytecode, as installers leave them; that ratio has the limit. How long each takes without, where every
process compiles its modules, is printed beside it: it is what DVC does as uv installs it where PYTHONDONTWRITEBYTECODE
is set. Exit code 1 if the ratio of the medians is over the limit, or a step was not found to be reused.
"""

from __future__ import annotations

import compileall
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import airflow_ml

LIMIT = 0.4

#: The ratio that the limit is for.
DECISIVE = "with bytecode"

SCRIPT = """
import shutil, sys
from pathlib import Path

source, target = sys.argv[1:]
shutil.copyfile(next(Path(source).iterdir()) if Path(source).is_dir() else source, target)
"""

OURS = """
from airflow_ml.core import Experiment, Workspace
from airflow_ml.data.data_reference import DataReference
from airflow_ml.pipeline.core import Pipeline, PipelineData
from airflow_ml.pipeline.steps import PythonScriptStep

workspace = Workspace.create("benchmark", exist_ok=True)
store = workspace.get_default_datastore()
data = DataReference(store, "start", "first/data.txt")
steps = []
for number in range({steps}):
    output = PipelineData(f"data_{{number}}", store)
    steps.append(
        PythonScriptStep(
            "copy.py", name=f"copy_{{number}}", arguments=[data, output], inputs=[data], outputs=[output],
            source_directory="code",
        )
    )
    data = output

if __name__ == "__main__":
    run = Experiment(workspace, "benchmark").submit(Pipeline(workspace, steps))
    run.wait_for_completion(show_output=False)
"""

FIRST = """
from airflow_ml.core import Workspace

store = Workspace.create("benchmark", exist_ok=True).get_default_datastore()
store.upload_files(["data.txt"], target_path="first", overwrite=True, show_progress=False)
"""


def main() -> int:
    """Set both up, measure, print; return the exit code."""
    steps = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    # What is not compiled beforehand would be compiled at every call where Python may not write its caches.
    compileall.compile_dir(Path(airflow_ml.__file__).parent, quiet=2)
    with tempfile.TemporaryDirectory() as folder:
        dvc = install_dvc(Path(sys.argv[3]) if len(sys.argv) > 3 else Path(folder, "dvc"))
        asks = {"airflow-ml plan": prepare_ours(Path(folder, "ours"), steps)}
        if dvc:
            asks["dvc repro"] = prepare_dvc(Path(folder, "chain"), dvc, steps)
        without = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": str(Path(folder, "nothing"))}
        times: dict[tuple[str, str], list[float]] = {}
        for _ in range(rounds):
            for words, settings in {DECISIVE: {}, "without": without}.items():
                for name, ask in asks.items():
                    times.setdefault((name, words), []).append(ask(settings))
    return report(times, steps)


def install_dvc(place: Path) -> Path | None:
    """Return the command of a DVC in a virtual environment of its own; None where there is none to be had."""
    command = place / "bin" / "dvc"
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "dvc"]
        done = subprocess.run(pip, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            print(f"dvc cannot be installed here: {done.stderr.strip().splitlines()[-1:]}")
            return None
        compileall.compile_dir(place / "lib", quiet=2)
    return command


def prepare_dvc(folder: Path, command: Path, steps: int) -> Callable[[dict[str, str]], float]:
    """Run the chain with DVC once and return what asks it again, in an environment with these settings."""
    environment = {**os.environ, "DVC_NO_ANALYTICS": "1", "DVC_GLOBAL_CONFIG_DIR": str(folder / "config")}
    environment["DVC_SITE_CACHE_DIR"] = str(folder / "site")
    write_chain(folder)
    stages = {
        f"copy_{number}": {
            "cmd": f"{sys.executable} code/copy.py data_{number}.txt data_{number + 1}.txt",
            "deps": ["code/copy.py", f"data_{number}.txt"],
            "outs": [f"data_{number + 1}.txt"],
        }
        for number in range(steps)
    }
    (folder / "dvc.yaml").write_text(json.dumps({"stages": stages}), encoding="utf-8")
    for arguments in (["init", "--no-scm", "--quiet"], ["repro", "--quiet"], ["repro", "--quiet"]):
        subprocess.run([str(command), *arguments], cwd=folder, env=environment, check=True)

    def ask(settings: dict[str, str]) -> float:
        seconds, text = timed([str(command), "repro"], folder, {**environment, **settings})
        assert text.count("didn't change, skipping") == steps, text
        return seconds

    return ask


def prepare_ours(folder: Path, steps: int) -> Callable[[dict[str, str]], float]:
    """Run the chain with us once and return what asks for a plan, in an environment with these settings."""
    environment = {**os.environ, "AIRFLOW_ML_HOME": str(folder / "home")}
    environment.pop("AIRFLOW_ML_REGISTRY", None)
    write_chain(folder)
    (folder / "chain.py").write_text(OURS.format(steps=steps), encoding="utf-8")
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", FIRST], cwd=folder, env=environment, check=True)
    subprocess.run([sys.executable, "chain.py"], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    print(f"{steps} steps run once in {time.perf_counter() - started:.1f} s")
    command = [str(Path(sys.executable).parent / "airflow-ml"), "plan", "chain.py"]

    def ask(settings: dict[str, str]) -> float:
        seconds, text = timed(command, folder, {**environment, **settings})
        reused = sum(line.split()[:1] == ["reuse"] for line in text.splitlines())
        if reused != steps:
            raise SystemExit(f"{reused} of {steps} steps are reused:\n{text}")
        return seconds

    return ask


def write_chain(folder: Path) -> None:
    """Write the script and the first file."""
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "copy.py").write_text(SCRIPT, encoding="utf-8")
    for name in ("data.txt", "data_0.txt"):
        (folder / name).write_text("some data\n", encoding="utf-8")


def timed(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[float, str]:
    """Run a process and return its seconds and what it printed."""
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    assert done.returncode == 0, done.stderr
    return seconds, done.stdout


def report(times: dict[tuple[str, str], list[float]], steps: int) -> int:
    """Print medians and ratios; return 1 if the one with bytecode is over the limit."""
    medians = {key: statistics.median(found) for key, found in times.items()}
    for (name, words), median in medians.items():
        fastest = min(times[name, words])
        print(f"{name}, {steps} steps, {words}: {median:.2f} s (fastest {fastest:.2f})")
    ratios = {
        words: medians["airflow-ml plan", words] / median
        for (name, words), median in medians.items()
        if name == "dvc repro"
    }
    for words, ratio in ratios.items():
        print(f"ratio {words} {ratio:.2f}" + (f" (limit {LIMIT})" if words == DECISIVE else ""))
    return int(ratios.get(DECISIVE, 0.0) > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
