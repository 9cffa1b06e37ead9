"""
Snapshots of code, their files, and lists of input files, that nothing names any more.

A snapshot is named by runs, by graphs of published pipelines and of open runs. Files of snapshots are named by the
snapshots' lists of files in the store. Somebody may capture the same code while files are deleted, and find a file
there that goes a moment later; so the lists are read again at the end, and one that names a deleted file goes too: then
the next capture stores it whole, where otherwise the snapshot would stay broken for ever.

Lists of input files only make explanations longer, and may be missing at any time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from airflow_ml.exceptions import ServiceException
from airflow_ml.reuse.garbage import Garbage, Moments
from airflow_ml.reuse.listings import listing_path
from airflow_ml.reuse.needed_places import graphs_of_open_runs
from airflow_ml.snapshots.materialise import read_tree
from airflow_ml.snapshots.protocol import object_path, sources_path, tree_path
from airflow_ml.storage.removal import Removed

if TYPE_CHECKING:
    from airflow_ml.registry import SnapshotRecord
    from airflow_ml.reuse.model import ReuseContext
    from airflow_ml.storage.protocol import FileInfo

__all__ = ["find_code", "find_listings"]

_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
_TREES = tree_path("").rpartition("/")[0]
_OBJECTS = object_path("").rpartition("/")[0].rstrip("/")
_LISTINGS = listing_path("").rpartition("/")[0]


def find_code(context: ReuseContext, moments: Moments) -> Iterator[Garbage]:
    """Yield snapshots that nothing names, and, as one piece, the files that would then be in none."""
    retention = context.registry.retention
    named = retention.run_snapshots()
    for text in retention.published_graphs():
        named.update(_DIGEST.findall(text))
    for run, graph in graphs_of_open_runs(context):
        named.update(_DIGEST.findall(json.dumps([graph, dict(run.details)])))
    dropped = set()
    for snapshot in retention.snapshots():
        if snapshot.id not in named and snapshot.created_at < moments.unused_since:
            dropped.add(snapshot.id)
            yield _snapshot(context, snapshot, moments.unused_since)
    yield from _source_files(context, dropped, moments)


def _snapshot(context: ReuseContext, snapshot: SnapshotRecord, recorded_before: datetime) -> Garbage:
    def remove() -> Removed | None:
        if not context.registry.retention.forget_snapshot(snapshot.id, recorded_before=recorded_before):
            return None
        _delete_snapshot(context, snapshot.id)
        return Removed(files=1)

    return Garbage(
        kind="snapshot",
        name=snapshot.id[:12],
        place=f"{_TREES}/{snapshot.id}.json",
        files=1,
        size=0,
        reason=f"named by no run since {snapshot.created_at:%Y-%m-%d}",
        remove=remove,
    )


def _delete_snapshot(context: ReuseContext, snapshot_id: str) -> None:
    # First what says that the snapshot exists.
    context.artifacts.delete(tree_path(snapshot_id))
    context.artifacts.delete(sources_path(snapshot_id))


def _source_files(context: ReuseContext, dropped: set[str], moments: Moments) -> Iterator[Garbage]:
    found = _unnamed_files(context, dropped, moments)
    if found:
        yield Garbage(
            kind="source files",
            name="files of snapshots",
            place=_OBJECTS,
            files=len(found),
            size=sum(info.size for info in found),
            reason="in no snapshot",
            remove=partial(_delete_source_files, context, moments),
        )


def _unnamed_files(context: ReuseContext, dropped: set[str], moments: Moments) -> list[FileInfo]:
    """Return the files of snapshots that none names; none at all if a list of files cannot be read."""
    old = [info for info in context.artifacts.list(_OBJECTS) if info.modified < moments.unused_since]
    try:
        named = {digest for snapshot_id in _snapshot_ids(context) - dropped for digest in _files(context, snapshot_id)}
    except ServiceException:
        return []
    return [info for info in old if info.path.rpartition("/")[2] not in named]


def _snapshot_ids(context: ReuseContext) -> set[str]:
    names = (info.path.rpartition("/")[2] for info in context.artifacts.list(_TREES))
    return {name[: -len(".json")] for name in names if name.endswith(".json")}


def _files(context: ReuseContext, snapshot_id: str) -> set[str]:
    return {file.sha256 for file in read_tree(context.artifacts, snapshot_id)}


def _delete_source_files(context: ReuseContext, moments: Moments) -> Removed:
    before = _snapshot_ids(context)
    unnamed = _unnamed_files(context, set(), moments)
    for info in unnamed:
        context.artifacts.delete(info.path)
    deleted = {info.path.rpartition("/")[2] for info in unnamed}
    for snapshot_id in _snapshot_ids(context) - before:
        if not deleted.isdisjoint(_files(context, snapshot_id)):
            _delete_snapshot(context, snapshot_id)
    return Removed(len(unnamed), sum(info.size for info in unnamed))


def find_listings(context: ReuseContext, moments: Moments) -> Iterator[Garbage]:
    """Yield, as one piece, the lists of input files that no result names."""
    old = {
        info.path.rpartition("/")[2].partition(".")[0]: info
        for info in context.artifacts.list(_LISTINGS)
        if info.modified < moments.settled_before
    }
    if old:
        for records in context.registry.retention.result_records():
            for digest in _DIGEST.findall(json.dumps(records)):
                old.pop(digest, None)
    if old:
        yield Garbage(
            kind="file lists",
            name="lists of input files",
            place=_LISTINGS,
            files=len(old),
            size=sum(info.size for info in old.values()),
            reason="named by no result",
            remove=partial(_delete_listings, context, list(old.values())),
        )


def _delete_listings(context: ReuseContext, listings: list[FileInfo]) -> Removed:
    for info in listings:
        context.artifacts.delete(info.path)
    return Removed(len(listings), sum(info.size for info in listings))
