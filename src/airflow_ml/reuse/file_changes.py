"""
Which files changed behind a record: of source directories, of data, and of outputs of earlier steps.

What is compared is what was kept: trees of snapshots, lists of files, manifests. Where one of them is not there any
more the answer is None, whatever the reason: an explanation then says less.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from airflow_ml.exceptions import AzureMLException
from airflow_ml.reuse.listings import read_listing
from airflow_ml.snapshots.capture import hash_only
from airflow_ml.snapshots.ignore import IgnoreRules
from airflow_ml.snapshots.materialise import read_tree
from airflow_ml.snapshots.source_digest import compare_trees
from airflow_ml.storage.manifest_lines import open_manifest

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Step
    from airflow_ml.reuse.model import ReuseContext
    from airflow_ml.snapshots.protocol import SnapshotFile

__all__ = ["FileChanges", "Names", "listing_changes", "output_changes", "source_changes"]

_log = logging.getLogger(__name__)

_Result = TypeVar("_Result")

#: So many files are named in a sentence.
_NAMED = 5


#: Steps of a pipeline often share a source directory. A snapshot's id says what it holds, so this is never out of date.
_compared: dict[tuple[object, ...], FileChanges] = {}
_MOST_COMPARED = 64


@dataclass
class Names:
    """How many files something is the case with, and the names of the first."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count a file."""
        self.count += 1
        if len(self.first) < _NAMED:
            self.first.append(name)

    def __str__(self) -> str:
        more = f" and {self.count - len(self.first):,} more" if self.count > len(self.first) else ""
        return ", ".join(self.first) + more


@dataclass
class FileChanges:
    """What differs between two sets of files; `total` is how many the newer one has."""

    changed: Names = field(default_factory=Names)
    added: Names = field(default_factory=Names)
    removed: Names = field(default_factory=Names)
    total: int = 0

    def __bool__(self) -> bool:
        return bool(self.changed.count or self.added.count or self.removed.count)


def source_changes(
    context: ReuseContext, old_id: str, new_id: str, place: tuple[Step, Graph] | None = None
) -> FileChanges | None:
    """
    Return what differs between two snapshots.

    Args:
        place: step and graph whose source directory may be the newer snapshot, which a plan does not store.
    """
    script, ignored = (None, ()) if place is None else (place[0].script, _ignored_sources(place[0]))
    key = (context.registry.workspace.id, old_id, new_id, script, ignored)
    known = _compared.get(key)
    if known is not None:
        return known
    changes = _if_there(lambda: _compare_sources(context, old_id, new_id, place))
    if changes is not None:
        if len(_compared) >= _MOST_COMPARED:
            _compared.clear()
        _compared[key] = changes
    return changes


def _compare_sources(context: ReuseContext, old_id: str, new_id: str, place: tuple[Step, Graph] | None) -> FileChanges:
    new = _files_of(context, new_id, place)
    found = compare_trees(context.artifacts, read_tree(context.artifacts, old_id), new)
    rules = IgnoreRules(() if place is None else _ignored_sources(place[0]))
    script = None if place is None else place[0].script
    changes = FileChanges(total=len(new))
    for names, paths in (
        (changes.changed, found.changed),
        (changes.added, found.added),
        (changes.removed, found.removed),
    ):
        for path in sorted(paths, key=lambda path: (path != script, path)):
            if not rules.leaves_out(path):
                names.add(path)
    return changes


def _ignored_sources(step: Step) -> tuple[str, ...]:
    """Return the patterns of source files that do not count."""
    prefix = "source:"
    return tuple(entry.removeprefix(prefix) for entry in step.ignore_in_fingerprint if entry.startswith(prefix))


def listing_changes(context: ReuseContext, old_digest: str, new_digest: str) -> FileChanges | None:
    """Return what differs between two kept lists of files."""

    def compare() -> FileChanges | None:
        old, new = read_listing(context, old_digest), read_listing(context, new_digest)
        if old is None or new is None:
            return None
        return _compare(
            ((file.path, (file.size, file.digest)) for file in old),
            ((file.path, (file.size, file.digest)) for file in new),
        )

    return _if_there(compare)


def output_changes(context: ReuseContext, old: tuple[str, str], new: tuple[str, str]) -> FileChanges | None:
    """Return what differs between two outputs, each given by the step run that wrote it and its name."""
    return _if_there(lambda: _compare(_manifest(context, *old), _manifest(context, *new)))


def _if_there(compare: Callable[[], _Result]) -> _Result | None:
    try:
        return compare()
    except (AzureMLException, OSError, ValueError, EOFError) as error:
        _log.debug("an explanation says less, because something is not there any more: %s", error)
        return None


def _files_of(context: ReuseContext, snapshot_id: str, place: tuple[Step, Graph] | None) -> tuple[SnapshotFile, ...]:
    try:
        return read_tree(context.artifacts, snapshot_id)
    except AzureMLException:
        if place is None or place[0].source_directory is None:
            raise
        step, graph = place
        now = hash_only(Path(graph.base_directory or ".", str(step.source_directory)))
        if now.id != snapshot_id:
            raise
        return now.files


def _manifest(context: ReuseContext, run_id: str, output: str) -> Iterator[tuple[str, object]]:
    record = next((item for item in context.registry.outputs.of(run_id) if item.name == output), None)
    if record is None:
        raise FileNotFoundError(f"run {run_id} has no output {output!r}")
    with open_manifest(context.store(record.datastore), record.manifest_path) as opened:
        for file in opened.files:
            name = file.path or record.path.rpartition("/")[2]
            yield name, file.identity or (file.size, file.sha256)


def _compare(old: Iterator[tuple[str, object]], new: Iterator[tuple[str, object]]) -> FileChanges:
    """Go through two lists at once, both in the order of their paths, holding neither."""
    changes = FileChanges()
    left, right = next(old, None), next(new, None)
    while left is not None or right is not None:
        if right is None or (left is not None and left[0] < right[0]):
            assert left is not None
            changes.removed.add(left[0])
            left = next(old, None)
            continue
        changes.total += 1
        if left is None or right[0] < left[0]:
            changes.added.add(right[0])
        else:
            if left[1] != right[1]:
                changes.changed.add(right[0])
            left = next(old, None)
        right = next(new, None)
    return changes
