"""What an attempt leaves behind when its task dies: processes, a container, a run directory, an unfinished record."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.compute.docker_launcher import DockerLauncher
from airflow_ml.compute.orphans import kill_orphans
from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.artifacts import collect_files
from airflow_ml.execution.kept_attempts import KeptAttempt
from airflow_ml.execution.model import Verdict
from airflow_ml.registry import RunStateError
from airflow_ml.runtime.protocol import RunDirectory
from airflow_ml.storage.fuse_mount import clear_mounts

if TYPE_CHECKING:
    from airflow_ml.execution.stores import Stores
    from airflow_ml.registry import RunRecord

__all__ = ["close_lost_attempt", "lost", "remove_place"]


def close_lost_attempt(stores: Stores, run: RunRecord, verdict: Verdict | None = None) -> int:
    """
    Clear away what a dead attempt left on this machine and close its record; returns how many processes were ended.

    Its log and files are kept with the run where that can be done. A final record stays as it is: then the task died
    between the attempt's end and its own.

    Args:
        verdict: what the record says; default: that the attempt was lost.
    """
    directory = RunDirectory(stores.registry.home.runs / run.id)
    kept = KeptAttempt(Path(directory.root))
    if run.is_final and not Path(directory.root).exists() and not kept.exists:
        return 0
    ended = len(kill_orphans(run.id))
    if kept.exists:  # an engine that does not answer is no reason not to go on without it: the keeper goes on trying
        with suppress(AzureMLException):
            ended += DockerLauncher().forget(run.id)
    clear_mounts(Path(directory.root))
    if not run.is_final:
        # The record's end matters more than the files.
        with suppress(AzureMLException, OSError):
            collect_files(stores, run.id, directory)
        verdict = verdict or lost(f"attempt {run.attempt} of step {run.name!r} was lost: its task died")
        with suppress(RunStateError):  # somebody else was quicker
            stores.registry.runs.set_status(run.id, verdict.status, error=verdict.error or None)
    for place in _outside_places(directory):
        remove_place(place)
    shutil.rmtree(directory.root, ignore_errors=True)
    kept.remove()
    return ended


def lost(message: str) -> Verdict:
    """Return the verdict on an attempt whose task died without a word."""
    return Verdict("Failed", {"code": "StepLostError", "message": message})


def remove_place(place: Path) -> None:
    """Remove a file, a link or a folder that an attempt made outside of its run directory."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
    else:
        with suppress(OSError):
            place.unlink()


def _outside_places(directory: RunDirectory) -> list[Path]:
    """Return the absolute places of inputs and outputs that were asked for; none existed before the attempt."""
    try:
        context = json.loads(Path(directory.context).read_bytes())
    except (OSError, ValueError):
        return []
    places = [item.get("path") for kind in ("inputs", "outputs") for item in context[kind].values()]
    root = Path(directory.root)
    return [Path(place) for place in places if place and not Path(place).is_relative_to(root)]
