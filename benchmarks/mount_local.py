"""
What it costs to give a step data of a datastore on this machine: no byte is copied.

    python benchmarks/mount_local.py [megabytes]

A folder of files is staged as steps' inputs are, and bound for a process as the launcher does; the bytes on the disk
are counted before and after, and the process reads the first and the last of the files. The last line is the verdict.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from airflow_ml.compute.process_launcher import ProcessLauncher
from airflow_ml.compute.request import ProcessRequest, inherited_environment
from airflow_ml.storage.in_place import Bind
from airflow_ml.storage.local import LocalStore
from airflow_ml.storage.staging import stage_input

FILES = 1000

READ = """
import os, sys
print(sum(os.path.getsize(os.path.join(sys.argv[1], name)) for name in os.listdir(sys.argv[1])))
"""


def main() -> int:
    """Measure, print, and return 1 if anything was copied."""
    size = (int(sys.argv[1]) if len(sys.argv) > 1 else 1024) << 20
    launcher = ProcessLauncher()
    if not launcher.can_bind:
        print("steps can have no mounts of their own here (they need root): data is copied once, into the cache")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        content = os.urandom(size // FILES)
        for number in range(FILES):
            place = folder / "store" / "data" / f"{number}.bin"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        before, started = used(folder), time.perf_counter()
        binds: list[Bind] = []
        target = folder / "run" / "inputs" / "data"
        stage_input(
            LocalStore(folder / "store"), "data", target, "mount", cache=folder / "cache", datastore="s", binds=binds
        )
        staged = time.perf_counter() - started
        launcher.launch(request_of(folder, target, binds)).wait()
        seen = int((folder / "log.txt").read_text())
        copied = used(folder) - before - (folder / "log.txt").stat().st_size - (folder / "exit.json").stat().st_size
    print(f"staged {size >> 20} MB in {FILES} files in {staged * 1000:.0f} ms; the script sees {seen:,} bytes")
    print(f"copied {copied} bytes (allowed 0)")
    return int(copied > 0 or seen != len(content) * FILES)


def used(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(place.stat().st_size for place in folder.rglob("*") if place.is_file())


def request_of(folder: Path, target: Path, binds: list[Bind]) -> ProcessRequest:
    """Return the request for a script that looks at what it was given."""
    return ProcessRequest(
        argv=(sys.executable, "-c", READ, str(target)),
        cwd=folder,
        environment=inherited_environment(),
        log_path=folder / "log.txt",
        attempt_directory=folder,
        marker="benchmark",
        binds=tuple((bind.source, bind.target) for bind in binds),
    )


if __name__ == "__main__":
    sys.exit(main())
