"""Files of runs: where they are stored, and recording them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.execution.services import Services
from airflow_ml.execution.stores import ARTIFACT_STORE
from airflow_ml.registry import ArtifactRecord
from airflow_ml.storage.protocol import Upload, normalise_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_ml.registry import RunRecord
    from airflow_ml.runtime.protocol import RunDirectory

__all__ = ["LOG_NAME", "artifact_path", "collect_files", "store_artifacts"]

#: v1's name (since September 2021) of a step's standard output and standard error.
LOG_NAME = "user_logs/std_log.txt"

#: Folders of the script's working directory whose files become the run's (v1).
_WATCHED_FOLDERS = ("outputs", "logs")


def artifact_path(run_id: str, name: str) -> str:
    """Return where a run's file lies on the artifact store; v1's own scheme."""
    return f"ExperimentRun/dcid.{run_id}/{normalise_path(name)}"


def store_artifacts(services: Services, run_id: str, files: Mapping[str, Path]) -> None:
    """Copy local files to the artifact store and record them; a name that is there is replaced."""
    uploads = [Upload(place, artifact_path(run_id, name)) for name, place in files.items()]
    stored = services.artifacts.put_files(uploads, token=f"artifacts-{run_id}")
    services.registry.artifacts.add(
        run_id,
        [
            ArtifactRecord(
                run_id=run_id, name=normalise_path(name), datastore=ARTIFACT_STORE, path=kept.path, size=kept.size
            )
            for name, kept in zip(files, stored, strict=True)
        ],
    )


def collect_files(services: Services, run: RunRecord, directory: RunDirectory) -> None:
    """Store the script's log and everything it wrote to `./outputs` and `./logs`, after it ended."""
    found = {name: place for folder in _WATCHED_FOLDERS for name, place in _files_below(Path(directory.code, folder))}
    log = Path(directory.log)
    if log.is_file():
        found[LOG_NAME] = log
    if found:
        store_artifacts(services, run.id, found)


def _files_below(folder: Path) -> Iterator[tuple[str, Path]]:
    for place in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if place.is_file() and not place.is_symlink():
            yield place.relative_to(folder.parent).as_posix(), place
