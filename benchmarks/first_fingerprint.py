"""
The first digest of a file of 2 GB against blake3 over a memory mapping, with all processors and in the same run.

    python benchmarks/first_fingerprint.py [megabytes] [rounds]

The file is read once before, so that both find it in the page cache: what is compared is the work, not the disk. Each
measurement is a process of its own, because a mapping's pages count as memory of the process: the growth of its peak
memory is printed beside the times. sha256 by the standard library stands beside them once. Exit code 1 if the ratio of
the best times is over the limit, or our process grows by more than it may.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT = 1.3
MEMORY_LIMIT = 100

#: What each process does with the file, after its imports.
WORKS = {
    "blake3 mmap": "blake3.blake3(max_threads=blake3.blake3.AUTO).update_mmap(path).hexdigest()",
    "ours": "StatCache(folder).digest_file(path)",
    "sha256": "hashlib.file_digest(open(path, 'rb'), 'sha256').hexdigest()",
}
PROCESS = """
import hashlib, json, pathlib, resource, sys, time
import blake3
from airflow_ml.hashing.stat_cache import StatCache
path, folder = sys.argv[1], pathlib.Path(sys.argv[2])
before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
{work}
taken = time.perf_counter() - started
print(json.dumps([taken, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024]))
"""


def main() -> int:
    """Measure, print, and return 1 if a limit is passed."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 2048
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    with tempfile.TemporaryDirectory() as name:
        data = Path(name, "data")
        write(data, megabytes)
        measured: dict[str, list[tuple[float, float]]] = {title: [] for title in WORKS}
        for number in range(rounds):
            for title in WORKS:
                if title != "sha256" or not number:
                    measured[title].append(run(title, data, Path(name, f"cache-{number}")))
    best = {title: min(taken for taken, _ in found) for title, found in measured.items()}
    growth = {title: max(grown for _, grown in found) for title, found in measured.items()}
    for title in WORKS:
        print(f"{title:12} {megabytes} MB   best {best[title]:6.3f} s   peak memory grows by {growth[title]:7.1f} MB")
    ratio = best["ours"] / best["blake3 mmap"]
    is_met = ratio <= LIMIT and growth["ours"] <= MEMORY_LIMIT
    print(
        f"ratio {ratio:.2f} (allowed {LIMIT}), growth {growth['ours']:.1f} MB (allowed {MEMORY_LIMIT}):"
        f" {'met' if is_met else 'NOT MET'}"
    )
    return int(not is_met)


def write(data: Path, megabytes: int) -> None:
    """Write random bytes."""
    with data.open("wb") as stream:
        for _ in range(megabytes):
            stream.write(os.urandom(1 << 20))


def run(title: str, data: Path, cache: Path) -> tuple[float, float]:
    """Return seconds and growth of the peak memory in MB of one process."""
    command = [sys.executable, "-c", PROCESS.format(work=WORKS[title]), str(data), str(cache)]
    taken, grown = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return taken, grown


if __name__ == "__main__":
    sys.exit(main())
