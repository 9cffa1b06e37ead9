"""What a step ran: the files of its snapshot as a tree, and the environment that its pipeline names."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from airflow._shared.secrets_masker import redact

from airflow_ml.exceptions import ServiceException
from airflow_ml.execution.stores import Stores
from airflow_ml.plugins.graph_document import step_of
from airflow_ml.snapshots.materialise import read_tree

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.registry import Registry, RunRecord
    from airflow_ml.snapshots.protocol import SnapshotFile

__all__ = ["code_document"]

logger = logging.getLogger(__name__)


def code_document(registry: Registry, run: RunRecord) -> dict[str, Json]:
    """Return what a run ran; secrets in its environment are masked, and those that the registry seals stay so."""
    step = step_of(registry, run)
    files = _files_of(registry, run.snapshot_id)
    environment = step.environment if step else None
    return {
        "snapshot_id": run.snapshot_id,
        "files": len(files),
        "tree": _tree(files),
        "script": step.script if step else None,
        "environment": None if environment is None else cast("Json", redact(dict(environment))),
    }


def _files_of(registry: Registry, snapshot_id: str | None) -> tuple[SnapshotFile, ...]:
    """Return a snapshot's files; none if it is gone."""
    if snapshot_id is None:
        return ()
    try:
        return read_tree(Stores(registry).artifacts, snapshot_id)
    except ServiceException as error:
        logger.info("snapshot %s cannot be shown: %s", snapshot_id, error)
        return ()


def _tree(files: Iterable[SnapshotFile]) -> dict[str, Json]:
    """Return folders within folders, each with its files."""
    root: dict[str, Any] = {"folders": {}, "files": []}
    for file in files:
        *folders, name = file.path.split("/")
        place = root
        for folder in folders:
            place = place["folders"].setdefault(folder, {"folders": {}, "files": []})
        place["files"].append({"name": name, "size": file.size, "executable": file.executable})
    return root
