"""
Lease and release of a free device against a small process that takes and frees the same kind of lock.

    python benchmarks/device_lease.py [rounds]

The small process is util-linux' `flock FILE true`, or a shell with nothing but `true` where that is missing. The lease
is all of it: the inventory, the queue, the locks of four devices, the note, and giving it back. Both are measured in
turns, so that a busy machine slows both; the last line is the verdict: at most twice as long.
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

from airflow_ml.compute.device_leases import DeviceLease, find_hindrances
from airflow_ml.compute.device_queue import Turn, Wish, overview
from airflow_ml.compute.devices import DEVICES_VARIABLE, take_inventory

ALLOWED_FACTOR = 2.0
#: Steps that wait before the one that is measured in the second measurement.
OTHERS = 20


def main() -> int:
    """Measure, print, and return 1 if a lease takes longer than allowed."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    os.environ[DEVICES_VARIABLE] = "fake:4"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = small_process(folder)
        process, leases = [], []
        for _ in range(rounds):
            process.append(measure(lambda: subprocess.run(command, check=True)))
            leases.append(measure(lambda: lease(folder)))
        looks = measure_queue(folder)
    factor = statistics.median(leases) / statistics.median(process)
    print(f"{command[0]:<11} median {statistics.median(process):6.2f} ms, least {min(process):6.2f} ms")
    print(f"lease       median {statistics.median(leases):6.2f} ms, least {min(leases):6.2f} ms")
    print(f"a look by the last of {OTHERS} who wait: median {looks:.2f} ms")
    print(f"factor      {factor:.2f} (allowed {ALLOWED_FACTOR:.0f})")
    return int(factor > ALLOWED_FACTOR)


def small_process(folder: Path) -> list[str]:
    """Return the command that takes and frees a lock."""
    program = shutil.which("flock")
    return [program, str(folder / "lock"), "true"] if program else ["sh", "-c", "true"]


def lease(folder: Path) -> None:
    """Take a device and give it back."""
    inventory = take_inventory()
    turn = Turn(folder / "devices", Wish(1, inventory.ids), "run", "step")
    locks = turn.look({})
    if find_hindrances(locks, inventory, 0.0, dict):
        raise SystemExit("a device of the benchmark cannot be used")
    held = DeviceLease(locks, turn.run, turn.step)
    turn.close()
    held.give_back(is_clean=True)


def measure_queue(folder: Path) -> float:
    """Return how long one look takes who is the last of many; leave nothing behind."""
    ids = take_inventory().ids
    turns = [Turn(folder / "devices", Wish(4, ids), str(number), "step") for number in range(OTHERS + 1)]
    locks = turns[0].look({})
    for turn in turns[1:]:
        turn.look({})
    times = [measure(lambda: turns[-1].look({})) for _ in range(50)]
    for turn in turns:
        turn.close()
    for lock in locks:
        lock.close()
    if overview(folder / "devices").waiting:
        raise SystemExit("somebody still waits")
    return statistics.median(times)


def measure(work: Callable[[], object]) -> float:
    """Return how many milliseconds the work takes."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    sys.exit(main())
