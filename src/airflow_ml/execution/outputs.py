"""Committing what a script wrote as its declared outputs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.exceptions import AzureMLException, StepFailedError
from airflow_ml.graph.destinations import destination_of
from airflow_ml.runtime.selection import glob_pattern
from airflow_ml.storage.commit import commit_output, is_begun

if TYPE_CHECKING:
    from airflow_ml.execution.attempt import Attempt
    from airflow_ml.execution.model import LogLine, StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import OutputPort
    from airflow_ml.registry import RunRecord
    from airflow_ml.storage.manifests import Manifest
    from airflow_ml.storage.protocol import Store

__all__ = ["commit_outputs"]


def commit_outputs(attempt: Attempt, places: Mapping[str, Path]) -> dict[str, Manifest]:
    """
    Commit every declared output and return the manifests by output name.

    All of them are looked at before the first is committed, so that a forgotten one leaves nothing behind. They are
    visible to nobody until the attempt's end is recorded.

    Raises:
        StepFailedError: an output was declared and not written, or cannot be stored as it is.
        ServiceException: the datastore failed.
    """
    services, task, run = attempt.services, attempt.task, attempt.run
    for port in task.step.outputs:
        place = places[port.name]
        # An earlier process of this attempt may have begun: its files are on their way, and were looked at before.
        if place.exists() or not is_begun(_store_of(services, task, port)[0], run.id, port.name):
            _check_written(task, port, place, attempt.log)
    return {port.name: _commit(services, task, run, port, places[port.name]) for port in task.step.outputs}


def _check_written(task: StepTask, port: OutputPort, place: Path, log: LogLine) -> None:
    where = f"{task.title}: output {port.name!r}"
    if not place.exists():
        raise StepFailedError(
            f"{where} was declared but not written: the script ended well and left nothing at the path it was given;"
            " write a file or a folder there, or take the output out of the step"
        )
    if port.is_directory and not place.is_dir():
        raise StepFailedError(f"{where} was declared as a folder, and the script wrote a file there")
    if port.kind == "file_dataset" and not any(place.iterdir()):
        log(f"{where} is an empty folder")


def _commit(services: Services, task: StepTask, run: RunRecord, port: OutputPort, place: Path) -> Manifest:
    store, datastore = _store_of(services, task, port)
    if port.source_globs is not None:
        _keep_only(place, port.source_globs)
    try:
        return commit_output(
            store,
            place,
            destination=destination_of(port, run.id),
            run_id=run.id,
            output=port.name,
            datastore=datastore,
            overwrite=port.mode == "mount" or port.overwrite,
            normaliser=port.normaliser,
        )
    except AzureMLException as error:
        raise error.at(task.title) from error


def _store_of(services: Services, task: StepTask, port: OutputPort) -> tuple[Store, str]:
    datastore = port.datastore or task.graph.default_datastore or services.default_datastore
    return services.store(datastore), datastore


def _keep_only(folder: Path, patterns: str) -> None:
    """Drop what an upload's globs do not name; the folder is the attempt's own."""
    wanted = [glob_pattern(pattern) for pattern in patterns.split(";")]
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            if not any(pattern.fullmatch(path.relative_to(folder).as_posix()) for pattern in wanted):
                path.unlink()
