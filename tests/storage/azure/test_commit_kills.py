"""Commits to Azure Blob that are killed at any request: whole or absent, and the next one finishes."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_ml.storage.commit import commit_output, verify
from airflow_ml.storage.manifests import read_manifest

pytestmark = [pytest.mark.azurite, pytest.mark.soak]

TRIALS = 1000 if os.environ.get("AIRFLOW_ML_SOAK") else 24

FILES = {"a": "one", "b": "two" * 1000, "sub/c 1": "three", "empty": ""}

#: Commits one output; ends itself by SIGKILL before or behind a request, whose number is the fourth argument.
DYING = """
import os, signal, sys, threading
from pathlib import Path
from servers.azurite import Azurite
from airflow_ml.storage.azure import blocks
from airflow_ml.storage.azure.quick_blobs import QuickBlobs
from airflow_ml.storage.azure.wire import Wire
from airflow_ml.storage.commit import commit_output

server, container, source, number, moment = Azurite(int(sys.argv[1])), *sys.argv[2:]
left, lock = int(number), threading.Lock()

def die():
    os.kill(os.getpid(), signal.SIGKILL)

def counted(method):
    def call(*args, **options):
        global left
        with lock:
            left -= 1
            is_last = left < 0
        if is_last and moment == "before":
            die()
        answer = method(*args, **options)
        if is_last:
            die()
        return answer
    return call

Wire.exchange, QuickBlobs.put = counted(Wire.exchange), counted(QuickBlobs.put)
store = server.open(container)
commit_output(store, Path(source), destination="d", run_id="run1", output="model", datastore="blobs")
print(int(number) - left)
"""


def commit_and_die(azurite, store, source, number, moment):
    """Run a commit that dies at a request, and return how many it made; None if it died."""
    command = [
        sys.executable,
        "-c",
        DYING,
        str(azurite.port),
        store.client.address.container,
        source,
        str(number),
        moment,
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert ended.returncode in (0, -9), ended.stderr
    return int(ended.stdout) if ended.returncode == 0 else None


def contents(store, folder=""):
    """Return the texts of a store's files by path."""
    return {info.path: store.open_read(info.path).read().decode() for info in store.list(folder)}


def test_a_commit_killed_at_any_request_is_finished_by_the_next(azurite, tmp_path, write_tree):
    """Before and behind each request, into a new folder and over old files: never a manifest over half an output."""
    source = write_tree(tmp_path / "output", FILES)
    expected = {f"d/{path}": text for path, text in FILES.items()}
    with azurite.new_store() as store:
        requests = commit_and_die(azurite, store, source, 10_000, "before")
    assert requests > len(FILES) + 5
    phases = itertools.cycle(itertools.product(("before", "behind"), (False, True), range(requests)))
    step = max(1, 4 * requests // TRIALS)
    for moment, is_old_there, number in itertools.islice(phases, 0, TRIALS * step, step):
        with azurite.new_store() as store:
            if is_old_there:
                store.write("d/a", b"old")
            commit_and_die(azurite, store, source, number, moment)
            seen = read_manifest(store, "run1", "model")
            assert seen is None or (verify(store, seen) == [] and contents(store, "d") == expected)

            manifest = commit_output(store, source, destination="d", run_id="run1", output="model", datastore="blobs")

            assert contents(store) == expected
            assert manifest == (seen or manifest) == read_manifest(store, "run1", "model")
            assert [info.path for info in store.list(".airflow_ml")] == [".airflow_ml/manifests/run1/model.json"]
