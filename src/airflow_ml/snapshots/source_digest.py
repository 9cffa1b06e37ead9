"""
What of a stored snapshot counts for the fingerprint of a step, and how two of them differ in it.

A tree's list of files, whose digest is the snapshot's id, knows bytes alone. The digests with normalised line ends lie
beside it; for snapshots that were stored without them they are made from the contents once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from airflow_ml.exceptions import ServiceException
from airflow_ml.hashing.text import SourceHash, is_text
from airflow_ml.snapshots.materialise import read_tree
from airflow_ml.snapshots.protocol import SnapshotFile, Store, object_path, source_digest, sources_path

__all__ = ["TreeChanges", "compare_trees", "record_sources", "source_digest_of", "source_files"]

#: Of the form of what is kept beside a snapshot.
_VERSION = 1


def source_digest_of(store: Store, snapshot_id: str, ignored_patterns: Sequence[str] = ()) -> str:
    """
    Return the source digest of a stored snapshot.

    Raises:
        ServiceException: the snapshot or one of its contents is missing or damaged.
    """
    return source_digest(source_files(store, snapshot_id), ignored_patterns)


def source_files(store: Store, snapshot_id: str) -> tuple[SnapshotFile, ...]:
    """
    Return the files of a stored snapshot with their `source_sha256`.

    Contents are read only for snapshots that an older version has stored.

    Raises:
        ServiceException: as `source_digest_of`.
    """
    files = read_tree(store, snapshot_id)
    known = _read_sources(store, snapshot_id)
    if known is None:
        files = tuple(_with_source(store, file) for file in files)
        record_sources(store, snapshot_id, files)
        return files
    return tuple(replace(file, source_sha256=known.get(file.path, file.sha256)) for file in files)


def record_sources(store: Store, snapshot_id: str, files: Iterable[SnapshotFile]) -> None:
    """Keep beside a snapshot which of its files have another digest with normalised line ends: mostly none."""
    normalised = {file.path: file.source_sha256 for file in files if file.source_sha256 != file.sha256}
    text = json.dumps({"version": _VERSION, "normalised": normalised}, separators=(",", ":"), sort_keys=True)
    with suppress(FileExistsError):
        store.write(sources_path(snapshot_id), text.encode(), overwrite=False)


def _read_sources(store: Store, snapshot_id: str) -> dict[str, str] | None:
    try:
        with store.open_read(sources_path(snapshot_id)) as stream:
            content = json.loads(stream.read())
            return dict(content["normalised"]) if content["version"] == _VERSION else None
    except (FileNotFoundError, ValueError, LookupError, TypeError):
        return None


def _with_source(store: Store, file: SnapshotFile) -> SnapshotFile:
    if file.source_sha256 is not None:
        return file
    if not is_text(file.path):
        return replace(file, source_sha256=file.sha256)
    where = f"snapshot content of {file.path!r} ({file.sha256})"
    digest = SourceHash(file.path)
    try:
        with store.open_read(object_path(file.sha256)) as stream:
            while piece := stream.read(1 << 20):
                digest.update(piece)
    except FileNotFoundError as exc:
        raise ServiceException(f"{where} is not in the workspace's store; submit the pipeline again") from exc
    if digest.sha256 != file.sha256:
        raise ServiceException(f"{where} was damaged in the store; delete it there and submit the pipeline again")
    return replace(file, source_sha256=digest.source_sha256)


@dataclass(frozen=True)
class TreeChanges:
    """The paths by which two snapshots differ, each in order; a file of another name is one removed and one added."""

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


def compare_trees(store: Store, old: Sequence[SnapshotFile], new: Sequence[SnapshotFile]) -> TreeChanges:
    """
    Return what changed between two snapshots as the source digest counts it: not line ends of text formats.

    Args:
        store: where contents are read from whose `source_sha256` is not known; of those that differ alone.

    Raises:
        ServiceException: such a content is missing.
    """
    before, after = {file.path: file for file in old}, {file.path: file for file in new}
    return TreeChanges(
        changed=tuple(path for path, file in after.items() if path in before and _differ(store, before[path], file)),
        added=tuple(path for path in after if path not in before),
        removed=tuple(path for path in before if path not in after),
    )


def _differ(store: Store, old: SnapshotFile, new: SnapshotFile) -> bool:
    if old.executable != new.executable:
        return True
    if old.sha256 == new.sha256:
        return False
    return _with_source(store, old).source_sha256 != _with_source(store, new).source_sha256
