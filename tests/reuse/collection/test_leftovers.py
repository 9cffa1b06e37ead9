"""What a collection finds of attempts that failed, and of collections that were killed."""

import itertools
import multiprocessing
import os
import signal

import pytest
from collecting import STORE, all_files, collect, found

from airflow_ml.execution.stores import Stores
from airflow_ml.graph import (
    OutputPort,
    Step,
    WorkspaceRef,
)
from airflow_ml.hashing.stat_cache import StatCache
from airflow_ml.registry import (
    Home,
    open_registry,
)
from airflow_ml.reuse.model import ReuseContext
from airflow_ml.reuse.verification import verify_outputs
from airflow_ml.storage.commit import staging_token
from airflow_ml.storage.local import STAGING_FOLDER, LocalStore
from airflow_ml.storage.manifests import manifest_path

FORK = multiprocessing.get_context("fork")


@pytest.mark.parametrize("status", ["Failed", "Canceled"])
def test_what_a_failed_attempt_committed_goes(context, store, begin, write, end, status):
    """The first output was committed before the second failed; no record tells of it."""
    run = begin()
    write(run, {"a": "one"})
    end(run, status=status)

    collection = collect(context)

    assert found(collection) == [("leftover", run.id)]
    assert not {path for path in all_files(store) if run.id in path}


def test_what_a_failed_attempt_left_without_a_manifest_goes(context, store, begin, end):
    """Files in a place that bears the attempt's id, of the default and of a chosen destination."""
    outputs = (OutputPort("a"), OutputPort("b", destination="mine/of-{run-id}/b"), OutputPort("c", destination="fixed"))
    run = begin(step=Step("train", "train", "python_script", outputs=outputs))
    for path in (f"azureml/{run.id}/a/x", f"mine/of-{run.id}/b/y", "fixed/z", f"{STAGING_FOLDER}/{'0' * 16}-1/0"):
        store.write(path, b"12345")
    store.write(f"{STAGING_FOLDER}/{staging_token(run.id, 'c')}-77/0", b"123")
    end(run, status="Failed")

    collection = collect(context)

    assert (collection.removed, collection.freed) == (3, 13)
    assert all_files(store) == {"fixed/z", f"{STAGING_FOLDER}/{'0' * 16}-1/0"}


@pytest.mark.parametrize("why", ["open", "young", "unknown", "completed", "shared", "registered"])
def test_leftovers_that_may_be_somebodys_stay(context, store, begin, write, end, why):
    """Of attempts that go on, ended a moment ago, succeeded or are another workspace's, and in shared folders."""
    run = begin(days=0.5 if why == "young" else 40)
    write(run, {"a": "one"}, destination="shared" if why == "shared" else None)
    if why != "open":
        status = "Completed" if why == "completed" else "Failed"
        end(run, status=status, days=0.5 if why == "young" else 40, fingerprint=None)
    if why == "registered":
        context.registry.models.register("m", datastore=STORE, path=f"azureml/{run.id}/model")
    if why == "unknown":
        other = store.root / ".airflow_ml/manifests/elsewhere"
        (store.root / manifest_path(run.id, "model")).parent.rename(other)
        (store.root / f"azureml/{run.id}").rename(store.root / "azureml/elsewhere")
    before = all_files(store)

    collection = collect(context)

    assert found(collection) == []
    assert all_files(store) == before


def collect_and_die(operations):
    """Collect in this process, and kill it before the store's next operation after so many."""
    left = itertools.count(operations, -1)

    def dying(method):
        def call(*arguments, **options):
            if next(left) <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*arguments, **options)

        return call

    for name in ("write", "delete"):
        setattr(LocalStore, name, dying(getattr(LocalStore, name)))
    with open_registry(WorkspaceRef("w")) as registry:
        stores, home = Stores(registry), Home.default()
        collect(ReuseContext(registry, stores, stores.artifacts, home, StatCache(home.digests)))


def test_a_collection_killed_anywhere_leaves_nothing_reusable_and_is_finished(context, store, compute):
    """SIGKILL before each single operation: the result is whole and offered, or neither; the next one goes on."""
    for operation in range(40):
        run = compute(fingerprint=f"f{operation}")
        dying = FORK.Process(target=collect_and_die, args=(operation,))
        dying.start()
        dying.join()
        if context.registry.results.find(f"f{operation}"):
            assert verify_outputs(context, [(context.registry.outputs.get(run.id, "model"), "content")]) == [None]

        collect(context)

        assert not {path for path in all_files(store) if run.id in path}
        if dying.exitcode != -signal.SIGKILL:
            break
    assert operation >= 10
