"""Runs that a notebook or a script drives itself, and v1's folders that name an experiment. Imported at first use."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from airflow_ml.core.experiment import Experiment
from airflow_ml.core.run import Run
from airflow_ml.core.workspace import Workspace
from airflow_ml.exceptions import SnapshotException, UserErrorException
from airflow_ml.execution import interactive

__all__ = ["experiment_of_folder", "start_run"]

_DEFAULT_OUTPUTS = "outputs"
#: Where v1 kept the file that attaches a folder to an experiment.
_PROJECT_FILES = (".azureml/project.json", "aml_config/project.json")


def start_run(
    experiment: Experiment,
    name: str | None = None,
    run_id: str | None = None,
    outputs: str | Sequence[str] | bool | None = None,
    snapshot_directory: str | None = ".",
    *,
    display_name: str | None = None,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
    properties: Mapping[str, str] | None = None,
) -> Run:
    """Record a run as running and return it; see `Experiment.start_logging`."""
    registry = experiment.workspace.registry()
    code = None if not snapshot_directory else Path(snapshot_directory)
    snapshot_id = None
    if code is not None:
        try:
            # Before the run is recorded, so that one that cannot be had leaves no run behind.
            snapshot_id = interactive.capture_code(registry, code)
        except SnapshotException as error:
            raise SnapshotException(f"{error}; or pass snapshot_directory=None to keep no code with the run") from error
    record = registry.runs.create(
        experiment.name,
        name or experiment.name,
        kind="interactive",
        id=run_id or "",
        target="sdk",
        display_name=display_name,
        description=description,
        tags=dict(tags or {}),
        properties={**(properties or {}), **({} if code is None else interactive.git_state(code))},
    )
    if snapshot_id is not None:
        registry.runs.set_snapshot(record.id, snapshot_id)
    registry.runs.set_status(record.id, "Running")
    folder = _DEFAULT_OUTPUTS if outputs is None or outputs is True else outputs or None
    return Run(experiment, record.id, folder)


def experiment_of_folder(path: str, auth: object) -> Experiment:
    """Return the experiment that a folder is attached to; see `Experiment.from_directory`."""
    for name in _PROJECT_FILES:
        place = Path(path, name)
        if place.is_file():
            scope = str(json.loads(place.read_text(encoding="utf-8")).get("Scope", ""))
            return Experiment(Workspace.from_config(path, auth=auth), scope.rstrip("/").rpartition("/")[2])
    raise UserErrorException(
        f"folder {path!r} is attached to no experiment: it has no {_PROJECT_FILES[0]!r}; use"
        " Experiment(Workspace.from_config(path), name)"
    )
