"""Files of runs: where they are stored, and recording them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.exceptions import UserErrorException
from airflow_ml.execution.stores import ARTIFACT_STORE, Stores
from airflow_ml.registry import ArtifactRecord, RunStateError
from airflow_ml.storage.protocol import Upload, normalise_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from airflow_ml.runtime.protocol import RunDirectory

__all__ = ["LOG_NAME", "artifact_path", "collect_files", "store_artifacts"]

#: v1's name (since September 2021) of a step's standard output and standard error.
LOG_NAME = "user_logs/std_log.txt"

#: Folders of the script's working directory whose files become the run's (v1).
_WATCHED_FOLDERS = ("outputs", "logs")


def artifact_path(run_id: str, name: str) -> str:
    """Return where a run's file lies on the artifact store; v1's own scheme."""
    return f"ExperimentRun/dcid.{run_id}/{normalise_path(name)}"


def store_artifacts(stores: Stores, run_id: str, files: Mapping[str, Path], *, after_end: bool = False) -> None:
    """
    Copy local files to the artifact store and record them; a name that is there is replaced.

    Args:
        after_end: a run that has ended takes files of new names too.

    Raises:
        RunStateError: the run has ended, and `after_end` is False or a name is there.
    """
    if after_end:
        # Before any byte is copied: a final run's files must not change.
        _refuse_replacing(stores, run_id, files)
    uploads = [Upload(place, artifact_path(run_id, name)) for name, place in files.items()]
    stored = stores.artifacts.put_files(uploads, token=f"artifacts-{run_id}")
    stores.registry.artifacts.add(
        run_id,
        [
            ArtifactRecord(
                run_id=run_id, name=normalise_path(name), datastore=ARTIFACT_STORE, path=kept.path, size=kept.size
            )
            for name, kept in zip(files, stored, strict=True)
        ],
        after_end=after_end,
    )


def _refuse_replacing(stores: Stores, run_id: str, names: Iterable[str]) -> None:
    run = stores.registry.runs.get(run_id)
    for name in names:
        if run.is_final and stores.registry.artifacts.find(run_id, normalise_path(name)) is not None:
            raise RunStateError(
                f"run {run_id!r}: replacing file {name!r} refused, because the run is {run.status} and its record is "
                "final; choose another name, or start a new run",
                run_id=run_id,
                status=run.status,
            )


def collect_files(stores: Stores, run_id: str, directory: RunDirectory, *, node: int = 0) -> Sequence[str]:
    """
    Store the script's log and everything it wrote to `./outputs` and `./logs`, after it ended.

    Args:
        node: of a distributed step; the common log of others than the first has its number in its name.

    Returns:
        One sentence for each file whose name cannot be stored; those are left out.
    """
    found: dict[str, Path] = {}
    problems = []
    for folder in _WATCHED_FOLDERS:
        for name, place in _files_below(Path(directory.code, folder)):
            try:
                found[normalise_path(name)] = place
            except UserErrorException as error:  # noqa: PERF203 - one bad name must not cost the others
                problems.append(f"file is left out: {error}")
    logs = Path(directory.log).parent
    # Of a distributed step each process has one of its own, too.
    found.update({f"{logs.name}/{log.name}": log for log in logs.glob("std_log*.txt") if not log.is_symlink()})
    if node and LOG_NAME in found:
        found[f"{logs.name}/std_log_node_{node}.txt"] = found.pop(LOG_NAME)
    if found:
        store_artifacts(stores, run_id, found)
    return problems


def _files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the plain files below a folder; links are left out, they may lead anywhere."""
    for root, _, names in os.walk(folder) if not folder.is_symlink() else ():
        for place in (Path(root, name) for name in sorted(names)):
            if place.is_file() and not place.is_symlink():
                yield place.relative_to(folder.parent).as_posix(), place
