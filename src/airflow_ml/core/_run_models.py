"""Registering files of a run as a model. Imported at its first use."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_ml.core.model import Model
from airflow_ml.exceptions import ModelPathNotFoundException
from airflow_ml.execution.stores import ARTIFACT_STORE, Stores
from airflow_ml.storage.protocol import normalise_path

if TYPE_CHECKING:
    from airflow_ml.core._run_record import RecordedRun
    from airflow_ml.graph import Json
    from airflow_ml.registry import ArtifactRecord, ModelOptions

__all__ = ["register_from_run"]


def register_from_run(
    run: RecordedRun,
    name: str,
    path: str,
    *,
    tags: Mapping[str, str] | None,
    properties: Mapping[str, str] | None,
    framework: str | None,
    framework_version: str | None,
    description: str | None,
    details: Mapping[str, Json],
) -> Model:
    """
    Copy files of the run and register them as the next version of a model's name.

    They are copied because a run that goes on may replace its files, and a version never changes.

    Args:
        path: a file among the run's, or a folder of them.
        details: what is kept with the model besides (`_model_details.details_of`).

    Raises:
        ModelPathNotFoundException: the run has no file there.
    """
    workspace = run.experiment.workspace
    registry = workspace.registry()
    wanted = normalise_path(path)
    root = f"models/{name}/{uuid.uuid4()}/{wanted.rpartition('/')[2]}"
    store = Stores(registry).artifacts
    for below, file in _files_at(run, registry.artifacts.list(run.id, wanted), wanted):
        store.copy(file.path, f"{root}/{below}" if below else root)
    options: ModelOptions = {
        "run_id": run.id,
        "tags": dict(tags or {}),
        "properties": dict(properties or {}),
        "description": description,
        "framework": framework,
        "framework_version": framework_version,
        "details": details,
    }
    record = registry.models.register(name, datastore=ARTIFACT_STORE, path=root, **options)
    return Model._of(workspace, record)


def _files_at(run: RecordedRun, files: Sequence[ArtifactRecord], path: str) -> list[tuple[str, ArtifactRecord]]:
    """Return the file of that path under "", or those of that folder under their paths in it."""
    found = [("", file) for file in files if file.name == path]
    found = found or [(file.name[len(path) + 1 :], file) for file in files if file.name.startswith(f"{path}/")]
    if not found:
        raise ModelPathNotFoundException(
            f"run {run.id}: model path {path!r} is none of its files, which are "
            f"{[file.name for file in run.experiment.workspace.registry().artifacts.list(run.id)]!r}; upload it first, "
            "or let the script write it to ./outputs"
        )
    return found
