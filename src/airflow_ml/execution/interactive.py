"""What runs keep that no step drives: runs of notebooks and of scripts that start one themselves."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.exceptions import SnapshotException
from airflow_ml.execution.artifacts import store_artifacts
from airflow_ml.execution.stores import Stores
from airflow_ml.snapshots.capture import capture
from airflow_ml.snapshots.git import git_properties

if TYPE_CHECKING:
    from airflow_ml.registry import Registry

__all__ = ["capture_code", "git_state", "keep_outputs"]


def capture_code(registry: Registry, place: Path) -> str:
    """
    Capture a folder, or one file as a folder of its own, and return the snapshot's id.

    Raises:
        SnapshotException: nothing is there, or it cannot be captured.
    """
    if not place.exists():
        raise SnapshotException(f"snapshot of {str(place)!r}: nothing is there; name a folder or a file of code")
    with tempfile.TemporaryDirectory() as folder:
        if place.is_file():
            shutil.copy(place, folder)
        snapshot = capture(Path(folder) if place.is_file() else place, Stores(registry).artifacts)
    registry.snapshots.record(snapshot.id, files=len(snapshot.files), size=snapshot.size)
    return snapshot.id


def git_state(place: Path) -> dict[str, str]:
    """Return v1's git properties of a folder, or of the folder of a file; none outside of a work tree."""
    folder = place if place.is_dir() else place.parent
    return git_properties(folder) if folder.is_dir() else {}


def keep_outputs(registry: Registry, run_id: str, folders: Mapping[str, Path]) -> None:
    """Store the files of the run's output folders; each is kept as `<name of the folder>/<its path in it>`."""
    files = {
        f"{name}/{place.relative_to(folder).as_posix()}": place
        for name, folder in folders.items()
        for place in sorted(folder.rglob("*"))
        if place.is_file() and not place.is_symlink()
    }
    if files:
        store_artifacts(Stores(registry), run_id, files)
