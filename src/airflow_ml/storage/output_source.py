"""
What a script wrote, as a commit reads it: its files, what they consist of, and that nothing changes them meanwhile.

A process that the script left behind may still write. Files are stamped before they are read and compared with their
stamps when they are in place, so that no manifest says of a file what was never in it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from airflow_ml import hooks
from airflow_ml.exceptions import StepFailedError, UserErrorException
from airflow_ml.storage.files import hash_file, outlast_clock
from airflow_ml.storage.manifests import ManifestFile
from airflow_ml.storage.tree import TreeFile, walk_files

__all__ = ["Stamps", "identity_of", "read_file", "read_source", "refuse_changes", "stamp", "written_to"]

#: Modification time and size of each file, by its path in the output.
Stamps = Mapping[str, tuple[int, int]]


def read_source(source: Path) -> list[TreeFile]:
    """
    Return the files that a script wrote, in the order of their paths.

    Raises:
        StepFailedError: there is nothing, or something that cannot be stored.
    """
    if source.is_symlink():
        raise StepFailedError(f"{str(source)!r} is a link; write a file or a folder there")
    try:
        files = list(walk_files(source))
    except FileNotFoundError as exc:
        raise StepFailedError(f"nothing was written at {str(source)!r}; write a file or a folder there") from exc
    except PermissionError as exc:
        raise StepFailedError(f"{exc.filename!r} cannot be read; the script must leave it readable") from exc
    except UserErrorException as exc:
        raise StepFailedError(str(exc)) from exc
    for file in files:
        if not os.access(file.place, os.R_OK):
            raise StepFailedError(f"{file.path!r} cannot be read; the script must leave it readable")
    return files


def stamp(files: Sequence[TreeFile]) -> Stamps:
    """Note how the files are now; from here on every write shows, because the clock has moved on."""
    stamps = {file.path: _stamp(file.place) for file in files}
    outlast_clock(max((modified for modified, _ in stamps.values()), default=0))
    return stamps


def refuse_changes(stamps: Stamps, place_of: Callable[[str], Path | None]) -> None:
    """
    Compare files with their stamps, wherever they lie now.

    Args:
        place_of: gives the place of a file by its path; None for one that cannot be looked at.

    Raises:
        StepFailedError: one was written to.
    """
    for path, before in stamps.items():
        place = place_of(path)
        if place is not None and _stamp(place) != before:
            raise written_to(path or place.name)


def written_to(path: str) -> StepFailedError:
    """Return the error for a file that something still wrote to."""
    return StepFailedError(
        f"{path!r} was written to while it was stored; the script must wait for all that it has started, and no other "
        "run may write to the same place at the same time"
    )


def _stamp(place: Path) -> tuple[int, int]:
    status = place.stat()
    return status.st_mtime_ns, status.st_size


def read_file(file: TreeFile, output: str, normaliser: str | None) -> ManifestFile:
    """
    Return a file as manifests list it, without an ETag.

    Raises:
        UserErrorException: as of `identity_of`.
    """
    size, digest = hash_file(file.place)
    return ManifestFile(file.path, size, digest, identity=identity_of(file, output, normaliser))


def identity_of(file: TreeFile, output: str, normaliser: str | None) -> str:
    """
    Return the sha256 of what the output's normaliser makes of a file; "" where the output names none.

    Args:
        output: its name, for the one file of an output that is no folder.

    Raises:
        UserErrorException: no plugin knows the normaliser, or the one that does fails.
    """
    if normaliser is None:
        return ""
    digest = hashlib.sha256()
    with file.place.open("rb") as stream:
        for piece in hooks.normalise_output(normaliser, file.path or output, stream):
            digest.update(piece)
    return digest.hexdigest()
