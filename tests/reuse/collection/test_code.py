"""Which snapshots of code, their files and lists of input files a collection removes."""

import os
from datetime import timedelta

import pytest
from collecting import NOW, collect, found

from airflow_ml.graph import (
    Graph,
    SourceSnapshot,
    Step,
    WorkspaceRef,
    to_json,
)
from airflow_ml.registry import (
    NewResult,
)
from airflow_ml.registry.tables import Snapshot
from airflow_ml.reuse.listings import listing_path
from airflow_ml.snapshots.capture import capture
from airflow_ml.snapshots.materialise import materialise
from airflow_ml.snapshots.protocol import object_path, tree_path


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
