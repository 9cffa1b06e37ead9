"""
`to_pandas_dataframe` of a CSV table in many blobs against pandas on local copies of them.

    python benchmarks/read_many_blobs.py [megabytes] [blobs]

All are measured in turns, with the host's cache emptied before each reading of the blobs. The blobs lie in an emulator
that this program starts, and on a server that only hands out ranges. Both share the processors with us, and the
emulator alone needs more of them than pandas does for everything: so the verdict, in the last line, is about the server
of ranges, at most 1.2 times as long as pandas on local files.

From 3.1 on pandas parses a file of 5 MB or more with all processors, and then nothing is left behind which a download
could hide: what sending, receiving and keeping the bytes takes of the processors is added, whatever is overlapped. So
pandas in one thread, as up to 3.0, is measured beside it; against that the verdict is about the overlap.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy
import pandas

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from servers.azurite import running_azurite
from servers.range_server import running_range_server

from airflow_ml.storage.azure.blob_store import BlobStore
from airflow_ml.storage.frames import read_frame

ALLOWED = 1.2
ROUNDS = 5
BYTES_OF_ROW = 73


def main() -> int:
    """Measure, print, and return 1 if reading the blobs takes too long."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    times: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name, running_azurite() as emulator, emulator.new_store() as blobs:
        folder = Path(name)
        places = [folder / f"t/{number:03}.csv" for number in range(count)]
        places[0].parent.mkdir()
        for number, place in enumerate(places):
            table(number, megabytes * 10**6 // count // BYTES_OF_ROW).to_csv(place, index=False)
            blobs.write(f"t/{place.name}", place)
        with running_range_server(places[0].parent) as server:
            ranges = server.open("container")
            for _ in range(ROUNDS):
                times["pandas, local"].append(measure(lambda: pandas.concat([pandas.read_csv(at) for at in places])))
                times["pandas, one thread"].append(measure(lambda: read_in_one_thread(places)))
                times["server of ranges"].append(read_anew(ranges, folder / "cache"))
                times["the same, from the cache"].append(measure(lambda: read(ranges, folder / "cache")))
                times["emulator"].append(read_anew(blobs, folder / "cache"))
                times["emulator, downloads alone"].append(measure(lambda: copy_all(blobs, folder / "copy")))
        size = sum(place.stat().st_size for place in places) // 10**6
    print(f"{size} MB in {count} files")
    for what, found in times.items():
        print(f"{what:25}  median {statistics.median(found):6.2f} s, least {min(found):6.2f} s")
    ratio = min(times["server of ranges"]) / min(times["pandas, local"])
    alone = min(times["server of ranges"]) / min(times["pandas, one thread"])
    print(f"{alone:.2f} times as long as pandas in one thread on local files")
    print(f"{ratio:.2f} times as long as pandas on local files (allowed {ALLOWED})")
    return int(ratio > ALLOWED)


def read_in_one_thread(places: Sequence[Path]) -> None:
    """Read local files as pandas does without threads of its own."""
    with suppress(pandas.errors.OptionError):  # of pandas 3.1
        pandas.set_option("mode.max_threads", 1)
    pandas.concat([pandas.read_csv(place) for place in places])


def read(store: BlobStore, cache: Path) -> pandas.DataFrame:
    """Return the table as a dataset's `to_pandas_dataframe` reads it."""
    sources = [{"datastore": "blobs", "path": "t/"}]
    definition = {"kind": "tabular", "sources": sources, "parse": {"format": "delimited"}}
    return read_frame(definition, lambda _: store, cache=cache)


def read_anew(store: BlobStore, cache: Path) -> float:
    """Return how long it takes to read the table while nothing of it is on this machine."""
    shutil.rmtree(cache, ignore_errors=True)
    return measure(lambda: read(store, cache))


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
    """
    Return how many seconds the work takes in a process of its own.

    In one process the times depend on what was measured before: memory that is had again costs half of a reading.
    """
    results, ends = os.pipe()
    child = os.fork()
    if child == 0:
        started = time.perf_counter()
        work()
        os.write(ends, f"{time.perf_counter() - started}".encode())
        os._exit(0)
    os.close(ends)
    with os.fdopen(results, "rb") as told:
        text = told.read()
    if os.waitpid(child, 0)[1]:
        raise RuntimeError("what was measured has failed")
    return float(text)


if __name__ == "__main__":
    sys.exit(main())
