"""
The second look at an unchanged source directory of 10,000 small files against a bare scandir and stat walk.

    python benchmarks/snapshot.py [rounds]

Both are measured in this process, in turns: the walk stats every file and does nothing else; ours also obeys the ignore
file and gives the snapshot's id and source digest. Beside them stand `git status` of a copy, where git is installed (a
process of its own), the first look, and a look after one file was changed. Exit code 1 if the ratio of the medians is
over the limit.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from airflow_ml.hashing.stat_cache import GRANULARITY_NS
from airflow_ml.snapshots.capture import hash_only

LIMIT = 2.0
FOLDERS = 100
FILES = 100


def main() -> int:
    """Measure, print, and return 1 if the limit is passed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["AIRFLOW_ML_HOME"] = str(folder / "home")
        source = folder / "source"
        make(source)
        wait_for_the_clock()
        print(f"first look{milliseconds(lambda: look(source)):37.1f} ms")
        times = measure(
            rounds, {"walk": lambda: walk(source), "ours": lambda: look(source), **git(source, folder / "repository")}
        )
        (source / "folder_000" / "module_000.py").write_text("changed = True\n")
        print(f"after a change of one file{milliseconds(lambda: look(source)):21.1f} ms")
    for title, found in times.items():
        print(f"{title:10} median {statistics.median(found):7.1f} ms   best {min(found):7.1f} ms")
    ratio = statistics.median(times["ours"]) / statistics.median(times["walk"])
    print(f"ratio to the walk {ratio:.2f} (allowed {LIMIT}): {'met' if ratio <= LIMIT else 'NOT MET'}")
    return int(ratio > LIMIT)


def make(source: Path) -> None:
    """Write the directory."""
    for folder in range(FOLDERS):
        place = source / f"folder_{folder:03}"
        place.mkdir(parents=True)
        for file in range(FILES):
            (place / f"module_{file:03}.py").write_text(f"value = {folder * FILES + file}\n")
    (source / ".amlignore").write_text("*.log\nout/\n")


def wait_for_the_clock() -> None:
    """Let the files grow older than the coarsest file clock; digests of younger ones are not kept."""
    time.sleep(GRANULARITY_NS / 1e9 + 0.1)


def measure(rounds: int, works: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Do the works in turns and return their times in milliseconds; the first round does not count."""
    times: dict[str, list[float]] = {title: [] for title in works}
    for number in range(rounds + 1):
        for title, work in works.items():
            taken = milliseconds(work)
            if number:
                times[title].append(taken)
    return times


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long the work takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def look(source: Path) -> None:
    """Find out a snapshot's id and source digest."""
    snapshot = hash_only(source, max_files=None)
    assert snapshot.id
    assert snapshot.source_digest


def walk(source: Path) -> None:
    """Stat every file."""
    folders = [str(source)]
    while folders:
        with os.scandir(folders.pop()) as scan:
            for entry in scan:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                else:
                    entry.stat(follow_symlinks=False)


def git(source: Path, repository: Path) -> dict[str, Callable[[], object]]:
    """Return `git status` of a copy as one more work, where there is git."""
    if shutil.which("git") is None:
        return {}
    shutil.copytree(source, repository)
    for command in ("init -q", "add .", "-c user.name=b -c user.email=b@b commit -q -m all"):
        subprocess.run(["git", "-C", repository, "-c", "gc.auto=0", *command.split()], check=True)
    return {"git status": lambda: subprocess.run(["git", "-C", repository, "status", "--porcelain"], check=True)}


if __name__ == "__main__":
    sys.exit(main())
