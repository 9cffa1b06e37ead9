"""
The start of `airflow-ml` commands against an empty Python process.

    python benchmarks/cli_start.py [rounds]

Whole processes, started in turns; their processor time (user and system) is compared, because a busy machine would
decide about wall time. The modules of airflow-ml are compiled beforehand, as an installed package's are.

The limit holds for what needs neither a database nor Airflow; what reads a workspace is shown beside it. Exit code 1 if
a ratio is over the limit, or a command imports what it must not need.
"""

from __future__ import annotations

import compileall
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT = 5.0
LIMITED = (["--help"], ["version"], ["plan", "--help"], ["runs", "--help"], ["check", "--help"])
SHOWN = (["runs", "list"], ["check", "code.py"], ["datastores", "list"])
FORBIDDEN = ("airflow.", "pandas", "numpy", "docker", "azure.", "obstore", "alembic")

COMMAND = "import sys; from airflow_ml.cli.main import main; sys.exit(main(sys.argv[1:]))"
#: The same, and what was imported on standard error; argparse ends the process after `--help`.
LISTED = f"import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); {COMMAND}"
CODE = "from azureml.core import Workspace\nws = Workspace.from_config()\nprint(ws.datasets)\n"


def main(rounds: int) -> int:
    """Print the ratios and say whether they hold."""
    import airflow_ml

    compileall.compile_dir(Path(airflow_ml.__file__).parent, quiet=2)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AIRFLOW_ML_HOME"] = str(Path(folder, "home"))
        Path(folder, "code.py").write_text(CODE)
        _seconds(folder, COMMAND, "init", "benchmark")
        slow = [_is_slow(folder, arguments, rounds) for arguments in (*LIMITED, *SHOWN)]
    return int(any(slow))


def _is_slow(folder: str, arguments: list[str], rounds: int) -> bool:
    pairs = [(_seconds(folder, COMMAND, *arguments), _seconds(folder, "pass")) for _ in range(rounds + 1)][1:]
    ratio = statistics.median(ours / empty for ours, empty in pairs)
    ours = statistics.median(ours for ours, _ in pairs)
    heavy = _heavy(folder, arguments)
    is_limited = arguments in LIMITED
    limit = f"limit {LIMIT:g}" if is_limited else "no limit"
    print(f"airflow-ml {' '.join(arguments)}: {ours * 1000:.1f} ms, ratio {ratio:.2f} ({limit})", *heavy)
    return bool(heavy) or (is_limited and ratio > LIMIT)


def _heavy(folder: str, arguments: list[str]) -> list[str]:
    """Return what a command imports and must not need."""
    command = [sys.executable, "-c", LISTED, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return sorted(name for name in done.stderr.split() if name.startswith(FORBIDDEN))


def _seconds(folder: str, code: str, *arguments: str) -> float:
    """Return the processor time of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code, *arguments], cwd=folder, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 15))
