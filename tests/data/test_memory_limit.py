"""Files that are larger than the memory that the operating system gives."""

import os
import subprocess
import sys

import pytest

from airflow_ml.core import Workspace

pytestmark = pytest.mark.azurite

#: Of the file, and of what a process may take beyond what it has after its imports: less, in bytes.
SIZE, LIMIT = 256 << 20, 200_000_000

#: What of a process a limit counts, as the kernel calls it.
COUNTED = {"RLIMIT_DATA": "VmData:", "RLIMIT_AS": "VmSize:"}

PROGRAM = """
import resource, sys
from pathlib import Path
import pandas, pyarrow.parquet
from airflow_ml.core import Dataset, Datastore, Workspace
from airflow_ml.storage.local import LocalStore
from airflow_ml.storage.transfer import StoreCopy, copy_files

way, folder, size, limit = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
kind, counted = sys.argv[5:]
blobs = Datastore.get(Workspace.get("w"), "blobs")
table = Dataset.Tabular.from_delimited_files((blobs, "small.csv"), validate=False)
assert len(table.to_pandas_dataframe()) == 1
taken = int(Path("/proc/self/status").read_text().partition(counted)[2].split()[0]) * 1024
resource.setrlimit(getattr(resource, kind), (taken + limit, taken + limit))
if way == "up":
    blobs.upload_files([str(folder / "big.csv")], overwrite=True, show_progress=False)
elif way == "down":
    blobs.download(str(folder / "back"), prefix="big.csv", show_progress=False)
    assert (folder / "back/big.csv").stat().st_size == size
elif way == "copy":
    from airflow_ml.execution.stores import Stores
    store = Stores(Workspace.get("w").registry())("blobs")
    copy_files(store, LocalStore(folder / "store"), [StoreCopy(store.stat("big.csv"), "copied.csv")])
    local = LocalStore(folder / "store")
    copy_files(local, store, [StoreCopy(local.stat("copied.csv"), "again")])
    assert store.stat("again").size == size
else:
    table = Dataset.Tabular.from_delimited_files((blobs, "big.csv"), validate=False).take(10)
    assert table.to_pandas_dataframe()["n"].tolist() == [7] * 10
"""


@pytest.fixture
def blobs(home, azurite, monkeypatch):
    """A container as a workspace's default datastore, with a small table."""
    monkeypatch.chdir(home)
    workspace = Workspace.create("w", show_output=False)
    with azurite.default_datastore(workspace) as datastore:
        (home / "small.csv").write_text("n,text\n7,x\n")
        datastore.upload_files([str(home / "small.csv")], show_progress=False)
        yield datastore


def big_file(home, least):
    """Write a table of at least that many bytes, and return how many it has."""
    with (home / "big.csv").open("wb") as file:
        file.write(b"n,text\n")
        line = b"7," + b"x" * 97 + b"\n"
        block = line * (1 << 13)
        while file.tell() < least:
            file.write(block)
        return file.tell()


def check(home, way, size, limit, kind, **environ):
    """Do something in a process that the system limits."""
    command = [sys.executable, "-c", PROGRAM, way, str(home), str(size), str(limit), kind, COUNTED[kind]]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environ})
    assert done.returncode == 0, f"{way}: {done.stderr[-2000:]}"


def test_large_files_need_little_memory(blobs, home):
    """Up, down, from store to store, and as a table's first rows: a limit below the file's size is kept."""
    size = big_file(home, SIZE)

    for way in ("up", "down", "copy", "take"):
        check(home, way, size, LIMIT, "RLIMIT_DATA")


def test_address_space_may_be_limited_where_threads_reserve_none(blobs, home):
    """With one arena of the C library's for all threads, less than what it reserves without is enough."""
    size = big_file(home, 64 << 20)

    for way in ("up", "down"):
        check(home, way, size, 2 * LIMIT, "RLIMIT_AS", MALLOC_ARENA_MAX="1")
