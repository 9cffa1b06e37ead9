"""
Taking outputs off a store, so that a cut at any moment leaves nothing that looks like an output and loses no trace.

The manifest is moved to `.airflow_ml/removals/<run id>/<output>.json` first: from there on the output does not exist,
and the list of its files still does. It goes last, so whoever comes next can finish what was cut.

Only files that the manifest lists are deleted. In a folder that bears the run's id they are the run's own; in a
destination that runs share, a file goes only if it still is the one that was committed.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass

from airflow_ml.exceptions import UserErrorException
from airflow_ml.storage.manifest_lines import open_manifest
from airflow_ml.storage.manifests import (
    COMMITS_FOLDER,
    MANIFESTS_FOLDER,
    Manifest,
    ManifestError,
    ManifestFile,
    commit_plan_path,
    manifest_path,
)
from airflow_ml.storage.protocol import PRIVATE_FOLDER, Store, normalise_path

__all__ = ["REMOVALS_FOLDER", "Removed", "finish_removal", "is_own", "places_in", "remove_output"]

_log = logging.getLogger(__name__)

#: Where the lists of files lie that are being removed.
REMOVALS_FOLDER = f"{PRIVATE_FOLDER}/removals"


@dataclass(frozen=True)
class Removed:
    """
    What became of an output's files.

    Attributes:
        kept: listed files that somebody else has changed since, in a shared destination.
    """

    files: int = 0
    size: int = 0
    kept: int = 0


def places_in(store: Store, folder: str) -> Iterator[tuple[str, str]]:
    """Yield run id and output of what lies in a folder of manifests, of commit plans, or of removals."""
    for info in store.list(folder):
        run_id, _, name = info.path[len(folder) + 1 :].partition("/")
        if name.endswith(".json") and "/" not in name:
            yield run_id, name[: -len(".json")]


def remove_output(store: Store, run_id: str, output: str) -> Removed:
    """
    Remove an output, or what a commit that was cut has left of it; what is not there needs no removing.

    Raises:
        UserErrorException: the manifest names a place that no output has.
        ServiceException: the store failed; called again, it goes on.
    """
    for path in (manifest_path(run_id, output), commit_plan_path(run_id, output)):
        try:
            with store.open_read(path) as stream:
                store.write(_removal_path(run_id, output), stream)
        except FileNotFoundError:
            continue
        store.delete(path)
    return finish_removal(store, run_id, output)


def finish_removal(store: Store, run_id: str, output: str) -> Removed:
    """Delete the files of an output whose removal was begun, and then the list of them."""
    removal = _removal_path(run_id, output)
    removed = Removed()
    try:
        with open_manifest(store, removal) as opened:
            if opened.blank.run_id != run_id:
                raise UserErrorException(
                    f"path {removal!r}: is a list of run {opened.blank.run_id!r}; delete it by hand"
                )
            _check_place(opened.blank.path, removal)
            for file in opened.files:
                removed = _remove_file(store, opened.blank, file, removed)
            _drop_folder(store, opened.blank)
    except FileNotFoundError:
        pass
    except ManifestError:
        _log.warning("%s in the store cannot be read; the files that it listed stay", removal)
    store.delete(removal)
    for folder in (MANIFESTS_FOLDER, COMMITS_FOLDER, REMOVALS_FOLDER):
        _drop_if_empty(store, f"{folder}/{run_id}")
    return removed


def _removal_path(run_id: str, output: str) -> str:
    # Checked as the names in a manifest's path are.
    return f"{REMOVALS_FOLDER}{manifest_path(run_id, output)[len(MANIFESTS_FOLDER) :]}"


def _remove_file(store: Store, blank: Manifest, file: ManifestFile, so_far: Removed) -> Removed:
    if normalise_path(file.path) != file.path:
        raise UserErrorException(f"manifest of run {blank.run_id!r}: {file.path!r} is no path of an output's file")
    path = blank.location(file)
    place = store.local_path(path)
    if place is not None and os.path.realpath(place.parent) != str(place.parent):
        _log.warning("%s is reached through a link and stays", place)
        return Removed(so_far.files, so_far.size, so_far.kept + 1)
    if not is_own(blank) and not _is_as_committed(store, path, file):
        return Removed(so_far.files, so_far.size, so_far.kept + store.exists(path))
    is_there = store.exists(path)
    store.delete(path)
    return Removed(so_far.files + is_there, so_far.size + file.size * is_there, so_far.kept)


def is_own(blank: Manifest) -> bool:
    """Tell whether an output lies in a place that no other run writes to: its path bears the run's id."""
    return blank.run_id in blank.path


def _check_place(path: str, removal: str) -> None:
    if path == PRIVATE_FOLDER or path.startswith(f"{PRIVATE_FOLDER}/"):
        raise UserErrorException(
            f"path {removal!r}: lists files below {path!r}, which no output has; delete it by hand"
        )


def _is_as_committed(store: Store, path: str, file: ManifestFile) -> bool:
    try:
        info = store.stat(path)
        if info.size != file.size:
            return False
        if file.etag and info.etag == file.etag:
            return True
        digest = hashlib.sha256()
        with store.open_read(path) as stream:
            while piece := stream.read(1 << 20):
                digest.update(piece)
    except FileNotFoundError:
        return False
    return digest.hexdigest() == file.sha256


def _drop_folder(store: Store, blank: Manifest) -> None:
    """Remove what is left of an empty folder of the run's own, up to the element that bears its id."""
    elements = blank.path.split("/")
    while any(blank.run_id in element for element in elements) and _drop_if_empty(store, "/".join(elements)):
        elements.pop()


def _drop_if_empty(store: Store, folder: str) -> bool:
    """Remove a folder without files; False if it has some."""
    if next(iter(store.list(folder)), None) is not None:
        return False
    store.delete(folder, recursive=True)
    return True
