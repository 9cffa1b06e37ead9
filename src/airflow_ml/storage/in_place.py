"""
Mounting data that lies on this machine without copying it.

A `Bind` says that a folder or file of a store shall appear, read-only, at a place in a step's run directory. Whoever
starts the script makes it so, in a mount namespace of the script's own (`airflow_ml.compute.keeper`): root cannot write
through it, and it is gone when the last process of the step is. Until then there is an empty folder or file.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_ml.storage.staging import Placement

__all__ = ["Bind", "bind_in_place"]

#: Files that are bound one by one, where they are not all that their folder holds; each costs the kernel a mount.
_MOST_FILES = 256


@dataclass(frozen=True)
class Bind:
    """A place in a store on this machine, and where a script shall see it."""

    source: Path
    target: Path


def bind_in_place(placements: Sequence[Placement]) -> list[Bind] | None:
    """
    Return what has to be bound so that all files are at their targets; None if they must be staged in another way.

    The targets' folders are made. Links in a store are not bound: they may lead to where the script sees nothing, and
    neither is what has another file system mounted below it.
    """
    binds = [_bind_file(item) for item in placements]
    found = [bind for bind in binds if bind is not None]
    if not found or len(found) < len(binds):
        return None
    folder = _bind_folder(found)
    chosen = found if folder is None else [folder]
    if len(chosen) > _MOST_FILES or _has_mounts(chosen):
        return None
    for bind in chosen:
        if bind is folder:
            bind.target.mkdir(parents=True, exist_ok=True)
        else:
            bind.target.parent.mkdir(parents=True, exist_ok=True)
            bind.target.touch()
    return chosen


def _bind_file(item: Placement) -> Bind | None:
    place = item.store.local_path(item.info.path)
    return None if place is None or place.is_symlink() else Bind(place, item.target)


def _bind_folder(files: Sequence[Bind]) -> Bind | None:
    """Return the one folder whose files these are, all of them and each at its own path, or None."""
    first = files[0]
    pairs = zip(reversed(first.source.parts), reversed(first.target.parts), strict=False)
    common = next((count for count, (ours, theirs) in enumerate(pairs) if ours != theirs), 0)
    # From the deepest folder up: the first that holds all of the files is the one, if it holds nothing else.
    for depth in range(1, common + 1):
        source, target = first.source.parents[depth - 1], first.target.parents[depth - 1]
        if all(_is_below(file, source, target) for file in files):
            return Bind(source, target) if _holds_only(source, len(files)) else None
    return None


def _is_below(file: Bind, source: Path, target: Path) -> bool:
    ours, theirs = f"{source}{os.sep}", f"{target}{os.sep}"
    source_text, target_text = str(file.source), str(file.target)
    return (
        source_text.startswith(ours)
        and target_text.startswith(theirs)
        and source_text[len(ours) :] == target_text[len(theirs) :]
    )


def _holds_only(folder: Path, count: int) -> bool:
    found = 0
    for path, folders, names in os.walk(folder):
        found += len(names)
        if found > count or any(Path(path, name).is_symlink() for name in folders):
            return False
    return found == count


def _has_mounts(binds: Sequence[Bind]) -> bool:
    """Whether another file system is mounted below what shall be bound: it would be missing, or could be written."""
    # Linux writes blanks in this file as octal numbers.
    sources = tuple(f"{bind.source}{os.sep}".replace(" ", "\\040") for bind in binds)
    try:
        with Path("/proc/self/mountinfo").open(encoding="utf-8", errors="surrogateescape") as mounts:
            return any(line.split(" ")[4].startswith(sources) for line in mounts)
    except OSError:
        return True
