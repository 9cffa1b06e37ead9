"""What a collection of garbage finds and removes, and what it never touches."""

import itertools
import json
import multiprocessing
import os
import signal
from datetime import datetime, timedelta, timezone

import pytest

from airflow_ml.execution.stores import Stores
from airflow_ml.graph import (
    DataReferenceSource,
    Graph,
    InputPort,
    OutputPort,
    SourceSnapshot,
    Step,
    StepOutputSource,
    WorkspaceRef,
    to_json,
)
from airflow_ml.hashing.stat_cache import StatCache
from airflow_ml.registry import (
    DatasetRegistration,
    Home,
    NewResult,
    OutputRecord,
    ResultGoneError,
    RunInputRecord,
    open_registry,
)
from airflow_ml.registry.tables import Snapshot
from airflow_ml.reuse.collection import collect_garbage
from airflow_ml.reuse.garbage import Places, Terms, places_in_json
from airflow_ml.reuse.listings import listing_path
from airflow_ml.reuse.model import ReuseContext
from airflow_ml.reuse.verification import verify_outputs
from airflow_ml.snapshots.capture import capture
from airflow_ml.snapshots.materialise import materialise
from airflow_ml.snapshots.protocol import object_path, tree_path
from airflow_ml.storage.commit import commit_output, staging_token
from airflow_ml.storage.local import STAGING_FOLDER, LocalStore
from airflow_ml.storage.manifests import manifest_path, read_manifest

STORE = "workspaceblobstore"
FORK = multiprocessing.get_context("fork")
NOW = datetime.now(timezone.utc)


@pytest.fixture
def context(home):
    """A workspace with the stores that it really has."""
    with open_registry(WorkspaceRef("w")) as registry:
        stores = Stores(registry)
        yield ReuseContext(registry, stores, stores.artifacts, Home(home), StatCache(Home(home).digests))


@pytest.fixture
def store(context):
    """The store that outputs go to."""
    return context.store(STORE)


@pytest.fixture
def begin(context):
    """Function that records a running step of a pipeline run of its own; `step` may say what it declares."""

    def begin(*, days=40, step=None, parent_status="Running", **options):
        step = step or Step("train", "train", "python_script", outputs=(OutputPort("model"),))
        graph = Graph("digits", WorkspaceRef("w"), (step,))
        at = NOW - timedelta(days=days)
        pipeline = context.registry.runs.create(
            "e", "digits", kind="pipeline", status=parent_status, created_at=at, graph_json=to_json(graph), **options
        )
        return context.registry.runs.create(
            "e", step.name, kind="step", parent_id=pipeline.id, node_id=step.id, status="Running", created_at=at
        )

    return begin


@pytest.fixture
def write(context, store, tmp_path):
    """Function that commits files as an output of a run."""

    def write(run, files, *, destination=None, output="model"):
        source = tmp_path / f"{run.id} {output}"
        for path, text in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_text(text)
        return commit_output(
            store,
            source,
            destination=destination or f"azureml/{run.id}/{output}",
            run_id=run.id,
            output=output,
            datastore=STORE,
        )

    return write


@pytest.fixture
def end(context):
    """Function that ends a step run and its pipeline run, `days` ago."""

    def end(run, manifest=None, *, days=40, status="Completed", fingerprint="f", close=True, **options):
        at = NOW - timedelta(days=days) + timedelta(minutes=1)
        outputs = []
        if manifest is not None:
            outputs = [
                OutputRecord(
                    run_id=run.id,
                    name=manifest.output,
                    kind="pipeline_data",
                    datastore=STORE,
                    path=manifest.path,
                    is_file=manifest.is_file,
                    digest=manifest.digest,
                    manifest_path=manifest_path(run.id, manifest.output),
                    files=len(manifest.files),
                    size=manifest.size,
                    committed_at=at,
                )
            ]
        result = NewResult(fingerprint, run.name, "digits", [["k", "n", "v", None]], None) if fingerprint else None
        result = result if status == "Completed" else None
        ended = context.registry.runs.finish_step(
            run.id, status=status, outputs=outputs, result=result, ended_at=at, **options
        )
        if close:
            context.registry.runs.set_status(run.parent_id, status, ended_at=at)
        return ended

    return end


@pytest.fixture
def compute(begin, write, end):
    """Function that records a step run with one output and a result, `days` ago."""

    def compute(*, days=40, files=None, destination=None, fingerprint="f", **options):
        run = begin(days=days)
        manifest = write(run, files or {"a": "one", "sub/b": "two"}, destination=destination)
        return end(run, manifest, days=days, fingerprint=fingerprint, **options)

    return compute


@pytest.fixture
def adopt(context):
    """Function that records a step run that takes the results of another one, now."""

    def adopt(run, *, open_pipeline=False, days=0):
        at = NOW - timedelta(days=days)
        pipeline = context.registry.runs.create("e", "digits", kind="pipeline", status="Running", created_at=at)
        taken = context.registry.runs.adopt(pipeline.id, run.id, node_id="train", name="train", created_at=at)
        if not open_pipeline:
            context.registry.runs.set_status(pipeline.id, "Completed")
        return taken

    return adopt


def collect(context, *, delete=True, **terms):
    """Collect with the usual terms."""
    return collect_garbage(context, Terms(**terms), delete=delete)


def found(collection):
    """Return kind and run of each piece."""
    return [(item.kind, item.run_id) for item in collection.garbage]


def all_files(store):
    """Return the paths of all files of a store, ours too."""
    return {place.relative_to(store.root).as_posix() for place in store.root.rglob("*") if place.is_file()}


def test_an_unused_output_goes_and_cannot_be_reused(context, store, compute):
    """Files, manifest and folders are gone, and no run can take the result, however it comes to it."""
    run = compute()

    collection = collect(context)

    assert found(collection) == [("output", run.id)]
    assert (collection.removed, collection.freed, collection.failures) == (2, 6, [])
    assert not {path for path in all_files(store) if run.id in path}
    assert context.registry.results.find("f") == []
    record = context.registry.outputs.get(run.id, "model")
    assert verify_outputs(context, [(record, "exists")])[0].startswith("output deleted: model: it was collected on")
    assert found(collect(context)) == []


def test_nothing_is_touched_unless_it_is_asked_for(context, store, compute):
    """Without `delete` the same is found and everything stays as it is."""
    run = compute()
    before = all_files(store)

    collection = collect(context, delete=False)

    assert (found(collection), collection.removed) == ([("output", run.id)], 0)
    assert all_files(store) == before
    assert [result.run_id for result in context.registry.results.find("f")] == [run.id]


def test_an_open_run_keeps_its_outputs(context, begin, write, end):
    """A step that ended long ago belongs to a pipeline run that still runs."""
    run = begin()
    end(run, write(run, {"a": "x"}), close=False)

    assert collect(context).kept == {"in use by an open run": 1}


def test_an_open_run_keeps_what_it_took(context, compute, adopt):
    """A run that took the results long ago and is still open needs the original's files."""
    adopt(compute(days=200), open_pipeline=True, days=100)

    assert collect(context).kept == {"in use by an open run": 1}


def test_an_open_run_keeps_what_it_consumes(context, compute, begin):
    """A consumer in another pipeline run keeps the producer."""
    produced = compute()
    consumer = begin(days=1)
    context.registry.inputs.record(
        consumer.id,
        [
            RunInputRecord(
                run_id=consumer.id, name="i", mode="mount", source="output", producer_run_id=produced.id,
                producer_output="model",
            )
        ],
    )  # fmt: skip

    assert collect(context).kept == {"in use by an open run": 1}


def test_an_open_run_keeps_what_its_graph_names(context, compute, begin):
    """A step that has not begun will read a path of the datastore."""
    produced = compute()
    source = DataReferenceSource(STORE, f"azureml/{produced.id}/model/sub")
    run = begin(days=1, step=Step("later", "later", "python_script", inputs=(InputPort("data", source),)))

    assert collect(context).kept == {f"needed by run {run.parent_id}": 1}


def test_an_open_run_keeps_what_its_parameters_name(context, compute, begin):
    """A datapath parameter names a place too."""
    produced = compute()
    run = begin(days=1, details={"parameters": {"data": f"datastore://{STORE}/azureml/{produced.id}"}})

    assert collect(context).kept == {f"needed by run {run.parent_id}": 1}


def test_reuse_makes_an_output_young_again(context, compute, adopt):
    """What was taken not long ago is needed, however old it is."""
    adopt(compute(days=400))

    assert collect(context).kept == {"used not long ago": 1}


def test_a_young_output_stays(context, compute):
    """The age is that of the terms."""
    compute(days=20)

    assert collect(context).kept == {"used not long ago": 1}
    assert len(collect(context, unused_days=10).garbage) == 1


def test_the_longest_run_is_grace(context, compute, begin):
    """Where a run took 60 days, nothing younger than that is touched."""
    compute(days=40)
    slow = begin(days=70)
    context.registry.runs.set_status(slow.id, "Failed", ended_at=NOW - timedelta(days=10))

    assert collect(context, unused_days=1).kept == {"used not long ago": 1}


def test_an_invalidated_result_goes_after_the_grace_time(context, compute, monkeypatch):
    """Whoever looked it up right before is let through."""
    runs = [compute(days=10, fingerprint=fingerprint) for fingerprint in "fg"]
    context.registry.results.invalidate(reason="wrong data", run_id=runs[0].id)
    monkeypatch.setattr("airflow_ml.registry.results.utc_now", lambda: NOW - timedelta(days=2))
    context.registry.results.invalidate(reason="wrong data", run_id=runs[1].id)

    collection = collect(context)

    assert found(collection) == [("output", runs[1].id)]
    assert collection.kept == {"invalidated a short time ago": 1}


def test_the_newest_of_each_step_are_kept_if_that_is_asked_for(context, compute):
    """`keep_last` counts the results of a step, newest first."""
    runs = [compute(days=days, fingerprint=str(days)) for days in (60, 50, 40)]

    collection = collect(context, keep_last=2)

    assert found(collection) == [("output", runs[0].id)]
    assert collection.kept == {"among the newest 2 of their step": 2}


def test_a_registered_output_stays(context, begin, write, end):
    """Registered by its step, or by its path under a name of its own, or as a model."""
    run = begin()
    manifest = write(run, {"a": "x"})
    definition = {"kind": "file", "sources": [{"datastore": STORE, "path": f"{manifest.path}/"}]}
    end(run, manifest, registrations=[DatasetRegistration(output="model", name="digits", definition=definition)])

    assert collect(context).kept == {"registered as a dataset": 1}
    context.registry.datasets.unregister("digits")
    assert len(collect(context).garbage) == 1


@pytest.mark.parametrize(
    "path", ["azureml/{run}/model/a", "azureml/{run}/**/*.csv", "azureml/{run}", "azureml/*/model"]
)
def test_a_place_that_a_dataset_names_stays(context, compute, path):
    """A dataset that was made of a path inside, at or around the output keeps it, patterns too."""
    run = compute()
    definition = {"kind": "file", "sources": [{"datastore": STORE, "path": path.format(run=run.id)}]}
    context.registry.datasets.register("mine", definition)

    assert collect(context).kept == {"needed by dataset 'mine' version 1": 1}


def test_a_model_of_an_output_stays(context, compute):
    """A registered model names the output's file."""
    run = compute()
    context.registry.models.register("digits", datastore=STORE, path=f"azureml/{run.id}/model/a")

    assert collect(context).kept == {"needed by model 'digits' version 1": 1}


def test_a_place_of_a_published_pipeline_stays(context, compute):
    """Published pipelines may run again at any time."""
    run = compute()
    source = DataReferenceSource(STORE, f"azureml/{run.id}/model")
    step = Step("s", "s", "python_script", inputs=(InputPort("data", source),))
    graph = Graph("p", WorkspaceRef("w"), (step,))
    context.registry.published_pipelines.add("p", graph_json=to_json(graph), steps=1)

    assert collect(context).kept == {"needed by a published pipeline": 1}


def test_what_is_being_computed_anew_stays(context, compute):
    """A lease on the fingerprint is held."""
    compute()
    context.registry.fingerprint_leases.acquire("f", "somebody", seconds=60)

    assert collect(context).kept == {"being computed anew": 1}


def test_outputs_that_are_no_results_stay(context, compute):
    """A step without reuse has made them for people, not for later runs."""
    compute(fingerprint=None)

    assert collect(context).kept == {"not offered to later runs": 1}


def test_a_shared_destination_stays_while_one_output_in_it_is_needed(context, store, compute):
    """Nothing of a fixed folder goes before all that was written there may go, and then what is the runs' own."""
    compute(files={"a": "1", "b": "1"}, destination="shared/x")
    compute(files={"b": "2"}, destination="shared", days=1, fingerprint="g")

    assert collect(context).kept["in a destination that others share"] == 1
    assert found(collect(context, unused_days=0, grace_hours=0))[0][0] == "output"
    assert [info.path for info in store.list("shared")] == []


def test_a_shared_destination_stays_while_another_workspace_writes_there(context, store, compute, tmp_path):
    """A manifest of a run that this workspace does not know speaks for the folder."""
    compute(destination="shared")
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "z").write_text("x")
    commit_output(store, tmp_path / "theirs", destination="shared", run_id="elsewhere", output="o", datastore="other")

    assert collect(context).kept["in a destination that others share"] == 1


def test_what_is_adopted_while_it_is_collected_is_spared(context, store, compute, adopt, monkeypatch):
    """A run that takes the result between the search and the removal keeps it."""
    run = compute()
    collection = collect(context, delete=False)
    adopt(run)

    assert collection.garbage[0].remove() is None
    assert read_manifest(store, run.id, "model") is not None


def test_whoever_is_late_cannot_adopt_what_was_collected(context, compute, adopt):
    """A run that had looked the result up, and its outputs, is refused and decides again."""
    run = compute()
    collect(context)

    with pytest.raises(ResultGoneError, match="collected"):
        adopt(run)


def test_what_one_piece_does_wrong_does_not_keep_the_others(context, store, compute):
    """A manifest that was tampered with is reported, and the next one goes."""
    bad, good = compute(), compute(fingerprint="g")
    path = manifest_path(bad.id, "model")
    text = (store.root / path).read_text().replace('"a"', '"../a"')
    store.write(path, text.encode())

    collection = collect(context)

    assert [failure.partition(":")[0] for failure in collection.failures] == [f"output 'train.model' at {STORE}"]
    assert not store.exists(f"azureml/{good.id}/model/a")


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


@pytest.fixture
def code(tmp_path):
    """A source directory outside of the home."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "run.py").write_text("print()")
    (folder / "common.py").write_text("x = 1")
    return folder


@pytest.fixture
def take(context, code):
    """Function that captures the source directory and records the snapshot, `days` ago."""

    def take(*, days=40):
        snapshot = capture(code, context.artifacts)
        context.registry.snapshots.record(snapshot.id, files=len(snapshot.files), size=snapshot.size)
        age(context, days)
        return snapshot

    return take


def age(context, days):
    """Make all that the workspace has of code so old."""
    at = (NOW - timedelta(days=days)).timestamp()
    for place in context.artifacts.root.rglob("*"):
        os.utime(place, (at, at))
    scope = context.registry.snapshots._scope
    with scope.database.write() as session:
        for row in session.query(Snapshot):
            row.created_at = NOW - timedelta(days=days)


def test_a_snapshot_that_nothing_names_goes_with_the_files_it_had_alone(context, code, take, begin, tmp_path):
    """Files that are also in a snapshot that a run names stay, and that snapshot is whole."""
    dropped = take()
    (code / "run.py").write_text("print(2)")
    named = take()
    begin(snapshot_id=named.id)

    collection = collect(context)

    assert [(item.kind, item.files) for item in collection.garbage] == [("snapshot", 1), ("source files", 1)]
    assert not context.artifacts.exists(tree_path(dropped.id))
    assert not context.registry.snapshots.exists(dropped.id)
    assert len(materialise(context.artifacts, named.id, tmp_path / "out")) == 2


@pytest.mark.parametrize("by", ["details", "published", "young", "open graph"])
def test_a_snapshot_that_is_named_otherwise_stays(context, take, begin, by):
    """By a pipeline run that captured it, by a published pipeline, by an open run; a young one may be named yet."""
    snapshot = take(days=1 if by == "young" else 40)
    step = Step("s", "s", "python_script", snapshot=SourceSnapshot(snapshot.id))
    if by == "details":
        begin(details={"snapshots": {"s": {"id": snapshot.id}}})
    elif by == "published":
        graph = Graph("p", WorkspaceRef("w"), (step,))
        context.registry.published_pipelines.add("p", graph_json=to_json(graph), steps=1)
    elif by == "open graph":
        begin(step=step)

    assert found(collect(context)) == []
    assert context.artifacts.exists(tree_path(snapshot.id))


def test_a_capture_during_the_collection_does_not_stay_broken(context, code, take, monkeypatch):
    """A snapshot that names a file that went meanwhile is dropped, so that the next capture stores it whole."""
    take()
    (code / "new.py").write_text("new")
    collection = collect(context, delete=False)
    collection.garbage[0].remove()
    delete = context.artifacts.delete
    captured = []

    def deleting(path, **options):
        if not captured and path.startswith("snapshots/objects"):
            captured.append(capture(code, context.artifacts))
        delete(path, **options)

    monkeypatch.setattr(context.artifacts, "delete", deleting)
    collection.garbage[1].remove()

    assert not context.artifacts.exists(tree_path(captured[0].id))
    again = capture(code, context.artifacts)
    assert all(context.artifacts.exists(object_path(file.sha256)) for file in again.files)


def test_files_stay_while_a_snapshots_list_cannot_be_read(context, code, take):
    """What is in a damaged list is not known, so nothing is known to be in none."""
    take()
    context.artifacts.write(tree_path("0" * 64), b"damaged")
    age(context, 40)

    assert [item.kind for item in collect(context, delete=False).garbage] == ["snapshot"]


def test_lists_of_input_files_go_with_the_results_that_name_them(context, begin, end):
    """A list is kept as long as a result names it, and while it is young."""
    for digest in "abc":
        context.artifacts.write(listing_path(digest * 64), b"x")
    age(context, 3)
    context.artifacts.write(listing_path("d" * 64), b"x")
    run = begin(days=0)
    note = {"files": 1, "bytes": 1, "listing": "a" * 64}
    result = NewResult("f", "train", "digits", [["input", "raw", "x", note]], None)
    context.registry.runs.finish_step(run.id, status="Completed", result=result)

    collection = collect(context)

    assert [(item.kind, item.files) for item in collection.garbage] == [("file lists", 2)]
    assert {digest for digest in "abcd" if context.artifacts.exists(listing_path(digest * 64))} == {"a", "d"}


def test_an_empty_workspace_has_no_garbage(context):
    """Nothing is there, and nothing is found."""
    assert collect(context).garbage == []


def test_places_are_found_in_at_and_around():
    """A place is needed if it, something in it, or something around it is."""
    places = Places([("local:/s/a/b", "x"), ("local:/s/c", "y")])

    asked = ["local:/s/a/b", "local:/s/a/b/c", "local:/s/a", "local:/s/a/bc", "local:/s/cc", "local:/s/c/d", "local:/t"]
    assert [places.find(place) for place in asked] == ["x", "x", "x", None, None, "y", None]


def test_all_places_of_a_graph_are_seen():
    """Data references, definitions of datasets, and values of parameters name places."""
    data = {"a": [{"datastore": "s", "path": "p"}], "b": {"c": "datastore://t/q/r"}, "d": "dataset://x@1"}

    assert list(places_in_json(json.loads(json.dumps(data)))) == [("s", "p"), ("t", "q/r")]


def test_steps_of_one_pipeline_are_judged_one_by_one(context, begin, write, end):
    """A source that is a step's output names no place; the run that consumed it did."""
    step = Step("s", "s", "python_script", inputs=(InputPort("i", StepOutputSource("train", "model")),))
    begin(days=1, step=step)
    run = begin()
    end(run, write(run, {"a": "x"}))

    assert len(collect(context).garbage) == 1
