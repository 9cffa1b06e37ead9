"""
What the keeper adds to a trivial step: launch and wait through the process launcher against a bare subprocess.

    python benchmarks/step_launch.py [rounds]

The two are measured in turns, so that a busy machine slows both. The last line is the verdict: at most 20 ms more.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from airflow_ml.compute.process_launcher import ProcessLauncher
from airflow_ml.compute.request import ProcessRequest, inherited_environment

ALLOWED_MILLISECONDS = 20.0


def main() -> int:
    """Measure, print, and return 1 if the keeper costs more than allowed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    direct, kept = [], []
    with tempfile.TemporaryDirectory() as name:
        request = make_request(Path(name))
        for _ in range(rounds):
            direct.append(measure(lambda: subprocess.run(request.argv, env=dict(request.environment), check=True)))
            kept.append(measure(lambda: ProcessLauncher().launch(request).wait()))
    added = statistics.median(kept) - statistics.median(direct)
    print(f"subprocess  median {statistics.median(direct):6.1f} ms, least {min(direct):6.1f} ms")
    print(f"keeper      median {statistics.median(kept):6.1f} ms, least {min(kept):6.1f} ms")
    print(f"added       {added:.1f} ms (allowed {ALLOWED_MILLISECONDS:.0f})")
    return int(added > ALLOWED_MILLISECONDS)


def make_request(folder: Path) -> ProcessRequest:
    """Return the request for a script that does nothing."""
    return ProcessRequest(
        argv=(sys.executable, "-c", "pass"),
        cwd=folder,
        environment=inherited_environment(),
        log_path=folder / "log.txt",
        attempt_directory=folder,
        marker="benchmark",
    )


def measure(work: Callable[[], object]) -> float:
    """Return how many milliseconds the work takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    sys.exit(main())
