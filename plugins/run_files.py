"""
The files of runs: what a committed manifest or the record of a run's files names, and nothing else.

A path that a request names is looked for among those names; it never becomes part of a path on a store.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from fastapi import HTTPException, status

from airflow_ml.execution.stores import Stores
from airflow_ml.storage.manifest_lines import open_manifest

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.registry import OutputRecord, Registry, RunRecord
    from airflow_ml.storage.protocol import ReadableStore

__all__ = ["FoundFile", "find_artifact", "find_output_file", "output_page"]

#: Files of an output on one page.
_PAGE = 200


@dataclass(frozen=True)
class FoundFile:
    """A file that may be read: where it lies, what it is called, and how long it was when it was recorded."""

    store: ReadableStore
    path: str
    name: str
    size: int


def output_page(registry: Registry, run: RunRecord, name: str, after: str) -> dict[str, Json]:
    """
    Return a page of an output's files.

    Args:
        after: the last path of the page before.
    """
    record = _require_output(registry, run, name)
    with open_manifest(_store_of(registry, record), record.manifest_path) as manifest:
        files = [*islice((file for file in manifest.files if not after or file.path > after), _PAGE + 1)]
    shown = files[:_PAGE]
    return {
        "output": record.name,
        "place": f"{record.datastore}:{record.path}",
        "count": record.files,
        "total": record.size,
        "files": [{"path": file.path, "size": file.size, "sha256": file.sha256} for file in shown],
        "next": shown[-1].path if len(files) > _PAGE else None,
    }


def find_output_file(registry: Registry, run: RunRecord, name: str, path: str) -> FoundFile:
    """Return a file of a committed output; `path` is as the manifest has it, "" where the output is one file."""
    record = _require_output(registry, run, name)
    store = _store_of(registry, record)
    with open_manifest(store, record.manifest_path) as manifest:
        found = next((file for file in manifest.files if file.path == path), None)
        place = manifest.blank.location(found) if found else ""
    if found is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"output {name!r} of run {run.id!r} has no file {path!r}")
    return FoundFile(store, place, (path or record.path).rpartition("/")[2], found.size)


def find_artifact(registry: Registry, run: RunRecord, name: str) -> FoundFile:
    """Return a file that the run has left, by its recorded name."""
    record = registry.artifacts.find(run.id, name)
    if record is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"run {run.id!r} has no file {name!r}")
    return FoundFile(Stores(registry)(record.datastore), record.path, name.rpartition("/")[2], record.size)


def _require_output(registry: Registry, run: RunRecord, name: str) -> OutputRecord:
    record = next((output for output in registry.outputs.of(run.id) if output.name == name), None)
    if record is None:
        raise HTTPException(status.HTTP_404_NOT_FOUND, f"run {run.id!r} has no committed output {name!r}")
    if record.collected_at is not None:
        raise HTTPException(
            status.HTTP_410_GONE, f"the files of output {name!r} were removed when nobody needed them any more"
        )
    return record


def _store_of(registry: Registry, record: OutputRecord) -> ReadableStore:
    return Stores(registry).of_files(record.datastore)
