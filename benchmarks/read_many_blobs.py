"""
`to_pandas_dataframe` of a CSV table in many blobs against pandas on local copies of them.

    python benchmarks/read_many_blobs.py [megabytes] [blobs]

The blobs lie in an emulator that this program starts, on the same processors. All are measured in turns, with the
host's cache emptied before each reading of the blobs. The emulator may be slower than pandas: so the verdict, in the
last line, is against the longer of pandas alone and the downloads alone, at most 1.2 times as long.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy
import pandas

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from servers.azurite import running_azurite

from airflow_ml.storage.azure.blob_store import BlobStore
from airflow_ml.storage.frames import read_frame

ALLOWED = 1.2
ROUNDS = 3
BYTES_OF_ROW = 86


def main() -> int:
    """Measure, print, and return 1 if reading the blobs takes too long."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    with running_azurite() as server, server.new_store() as store, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places = [folder / f"{number:03}.csv" for number in range(count)]
        for number, place in enumerate(places):
            table(number, (megabytes << 20) // count // BYTES_OF_ROW).to_csv(place, index=False)
            store.write(f"t/{place.name}", place)
        sources = [{"datastore": "blobs", "path": "t/"}]
        definition = {"kind": "tabular", "sources": sources, "parse": {"format": "delimited"}}
        local, copied, blobs = [], [], []
        for _ in range(ROUNDS):
            local.append(measure(lambda: pandas.concat([pandas.read_csv(place) for place in places])))
            copied.append(measure(lambda: copy_all(store, folder / "copy")))
            shutil.rmtree(folder / "cache", ignore_errors=True)
            blobs.append(measure(lambda: read_frame(definition, lambda _: store, cache=folder / "cache")))
        size = sum(place.stat().st_size for place in places) >> 20
        again = measure(lambda: read_frame(definition, lambda _: store, cache=folder / "cache"))
    ratio = min(blobs) / max(min(local), min(copied))
    print(f"{size} MB in {count} files")
    for what, times in (("pandas, local", local), ("downloads alone", copied), ("blobs", blobs)):
        print(f"{what:15}  median {statistics.median(times):6.2f} s, least {min(times):6.2f} s")
    print(f"blobs again, from the cache {again:.2f} s; {min(blobs) / min(local):.2f} times pandas")
    print(f"{ratio:.2f} times as long as the longer of the two (allowed {ALLOWED})")
    return int(ratio > ALLOWED)


def copy_all(store: BlobStore, folder: Path) -> None:
    """Download every blob, eight at a time."""
    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(store.get, info.path, folder / info.path) for info in store.list()]:
            done.result()


def table(seed: int, rows: int) -> pandas.DataFrame:
    """Return a table of numbers and words."""
    drawn = numpy.random.default_rng(seed)
    numbers = {name: drawn.normal(size=rows) for name in ("a", "b", "c")}
    words = {"word": drawn.choice(["alpha", "beta", "gamma delta"], rows), "whole": drawn.integers(0, 10**6, rows)}
    return pandas.DataFrame({**numbers, **words})


def measure(work: Callable[[], object]) -> float:
    """Return how many seconds the work takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
