"""Writing a snapshot's files back into a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path, PurePosixPath

from airflow_ml.exceptions import ServiceException
from airflow_ml.snapshots.protocol import SnapshotFile, Store, object_path, parse_tree, tree_path

__all__ = ["materialise", "read_tree"]


def read_tree(store: Store, snapshot_id: str) -> tuple[SnapshotFile, ...]:
    """
    Return the files of a snapshot, in the order of their paths.

    Raises:
        ServiceException: the store does not have it, or not whole.
    """
    try:
        with store.open_read(tree_path(snapshot_id)) as stream:
            text = stream.read()
    except FileNotFoundError as exc:
        raise ServiceException(
            f"snapshot {snapshot_id!r}: is not in the workspace's store; it was deleted: submit the pipeline again"
        ) from exc
    return parse_tree(text, snapshot_id)


def materialise(store: Store, snapshot_id: str, target: Path) -> tuple[SnapshotFile, ...]:
    """
    Write a snapshot below `target`, which is made if needed; files that are there under the same names are replaced.

    Every file is compared with its digest while it is written.

    Returns:
        The files of the snapshot.

    Raises:
        ServiceException: the snapshot or one of its contents is missing or damaged, or `target` cannot be written.
    """
    files = read_tree(store, snapshot_id)
    try:
        target.mkdir(parents=True, exist_ok=True)
        for file in files:
            _write(store, snapshot_id, file, _place(target, snapshot_id, file.path))
    except OSError as exc:
        raise ServiceException(f"snapshot {snapshot_id!r}: cannot be written to {str(target)!r}: {exc}") from exc
    return files


def _place(target: Path, snapshot_id: str, path: str) -> Path:
    relative = PurePosixPath(path)
    if relative.is_absolute() or ".." in relative.parts:
        raise ServiceException(f"snapshot {snapshot_id!r}: {path!r} leads out of its folder; the store was changed")
    return target / relative


def _write(store: Store, snapshot_id: str, file: SnapshotFile, place: Path) -> None:
    where = f"snapshot {snapshot_id!r}: content of {file.path!r} ({file.sha256})"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    digest = hashlib.sha256()
    try:
        source = store.open_read(object_path(file.sha256))
    except FileNotFoundError as exc:
        raise ServiceException(f"{where} is not in the workspace's store; submit the pipeline again") from exc
    with source, place.open("xb") as stream:
        while chunk := source.read(1 << 20):
            digest.update(chunk)
            stream.write(chunk)
    if digest.hexdigest() != file.sha256:
        place.unlink()
        raise ServiceException(f"{where} was damaged in the store; delete it there and submit the pipeline again")
    place.chmod(0o755 if file.executable else 0o644)
