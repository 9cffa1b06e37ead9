"""Looking at an output needs the same memory whatever the number of its files."""

import subprocess
import sys

GROWTH = """
import sys
from datetime import datetime, timezone
from pathlib import Path
from airflow_ml.registry import OutputRecord
from airflow_ml.reuse.verification import verify_output
from airflow_ml.storage.contents import Contents
from airflow_ml.storage.local import LocalStore
from airflow_ml.storage.manifests import Manifest, ManifestFile

def memory(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024

root, count = Path(sys.argv[1]), int(sys.argv[2])
store = LocalStore(root / "store")
if sys.argv[3] == "fill":
    for number in range(count):
        place = root / "store" / "d" / f"{number // 1000:04}" / f"{number:08}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    files = tuple(ManifestFile(info.path[2:], 0, "e" * 64, info.etag) for info in store.list("d"))
    manifest = Manifest("run1", "o", "s", "d", False, files)
    store.write("m.json", manifest.to_json().encode())
    print(manifest.digest)
else:
    now = datetime.now(timezone.utc)
    record = OutputRecord("run1", "o", "k", "s", "d", False, sys.argv[3], "m.json", count, 0, now)
    before = memory("VmRSS")
    assert verify_output(store, record, "size", Contents(root / "contents")) is None
    print(memory("VmHWM") - before)
"""


def test_memory_does_not_grow_with_the_number_of_files(tmp_path):
    """Neither the manifest nor the listing is held: 10,000 files need a few megabytes."""

    def run(what):
        command = [sys.executable, "-c", GROWTH, str(tmp_path), "10000", what]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()

    assert float(run(run("fill"))) < 5
