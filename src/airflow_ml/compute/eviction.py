"""
Removing environments that were not used for long, or that are too much for the disk; never one that is in use.

Builds do it by themselves, `airflow-ml environments prune` does it on request. What was used last is kept longest; a
step that needs what was removed builds it again.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.compute.built_folders import MARKER_FILE, is_in_use, remove_unused, size_of, sweep
from airflow_ml.compute.interpreters import find_uv
from airflow_ml.compute.package_indexes import installer_environment
from airflow_ml.exceptions import UserErrorException

if TYPE_CHECKING:
    from airflow_ml.graph.model import Json

__all__ = ["Bounds", "Built", "Pruned", "list_built", "prune"]

_SIZE_VARIABLE = "AIRFLOW_ML_ENVIRONMENTS_GB"
_AGE_VARIABLE = "AIRFLOW_ML_ENVIRONMENTS_DAYS"
_DEFAULT_GIGABYTES = 50.0
_DEFAULT_DAYS = 60.0
_DAY = 86400.0
#: Of the bound, what downloaded packages may take before they are thrown away.
_CACHE_SHARE = 0.5


@dataclass(frozen=True)
class Bounds:
    """How much of environments is kept on a machine: so many bytes, used within so many seconds."""

    most_bytes: float
    most_seconds: float

    @classmethod
    def default(cls) -> Bounds:
        """
        Return 50 GB and 60 days, or what AIRFLOW_ML_ENVIRONMENTS_GB and AIRFLOW_ML_ENVIRONMENTS_DAYS say.

        Raises:
            UserErrorException: one of them is no number from 0 on.
        """
        return cls(
            _number(_SIZE_VARIABLE, _DEFAULT_GIGABYTES) * 1e9,
            _number(_AGE_VARIABLE, _DEFAULT_DAYS) * _DAY,
        )


@dataclass(frozen=True)
class Built:
    """
    Something that was built.

    Attributes:
        kind: `virtual environment`, `packages` (of containers), `image` or `interpreter`.
        size: bytes on disk; files that several environments share count in each.
        used_at: when a step began to use it last, in seconds since 1970.
        is_in_use: a step runs from it now, or it is being built.
        facts: what the marker says.
    """

    digest: str
    kind: str
    path: Path
    size: int
    used_at: float
    is_in_use: bool
    facts: dict[str, Json]


@dataclass(frozen=True)
class Pruned:
    """What a round removed, and what it would have removed had it not been in use."""

    removed: tuple[Built, ...] = ()
    spared: tuple[Built, ...] = ()

    @property
    def freed(self) -> int:
        """Bytes."""
        return sum(item.size for item in self.removed)


def list_built(root: Path) -> list[Built]:
    """Return what is there, used last first."""
    return sorted(_read_all(root), key=lambda item: item.used_at, reverse=True)


def prune(
    root: Path,
    bounds: Bounds,
    *,
    is_dry: bool = False,
    remove_image: Callable[[Built], bool] | None = None,
) -> Pruned:
    """
    Remove what is out of bounds, used longest ago first, and what builders that were killed have left.

    Args:
        is_dry: only say what would be removed.
        remove_image: removes an image from its engine and says whether it could; without it images stay.
    """
    if not root.is_dir():
        return Pruned()
    if not is_dry:
        sweep(root)
    removed, spared = [], []
    for item in _out_of_bounds(list_built(root), bounds):
        if item.kind == "image" and remove_image is None:
            continue
        if item.is_in_use or not (is_dry or _remove(root, item, remove_image)):
            spared.append(item)
        else:
            removed.append(item)
    if not is_dry:
        _bound_cache(root, bounds.most_bytes * _CACHE_SHARE, is_asked=bool(removed))
    return Pruned(tuple(removed), tuple(spared))


def _out_of_bounds(newest_first: list[Built], bounds: Bounds) -> Iterator[Built]:
    oldest = time.time() - bounds.most_seconds
    total = 0.0
    found = []
    for item in newest_first:
        total += item.size
        if item.used_at < oldest or total > bounds.most_bytes:
            found.append(item)
            total -= item.size  # what goes makes room for what was used before it
    yield from reversed(found)


def _remove(root: Path, item: Built, remove_image: Callable[[Built], bool] | None) -> bool:
    def is_used_again(folder: Path) -> bool:
        """Whether a step has begun and ended with it since it was listed, or it cannot be removed."""
        try:
            if (folder / MARKER_FILE).stat().st_mtime > item.used_at:
                return True
        except FileNotFoundError:
            return False
        return item.kind == "image" and remove_image is not None and not remove_image(item)

    return remove_unused(root, item.digest, unless=is_used_again)


def _read_all(root: Path) -> Iterator[Built]:
    for folder in root.iterdir() if root.is_dir() else ():
        marker = folder / MARKER_FILE
        if folder.name.startswith("."):
            continue
        with suppress(OSError, ValueError):  # removed meanwhile, or half of one
            facts = json.loads(marker.read_bytes())
            yield Built(
                digest=folder.name,
                kind=str(facts.get("kind") or "virtual environment"),
                path=folder,
                size=int(facts.get("bytes") or 0),
                used_at=marker.stat().st_mtime,
                is_in_use=is_in_use(root, folder.name),
                facts=facts,
            )


def _bound_cache(root: Path, most_bytes: float, *, is_asked: bool) -> None:
    """Throw uv's downloaded packages away if they are too much; looked at once a day, and after a removal."""
    cache = root / ".cache"
    stamp = root / ".locks" / "cache-looked-at"
    uv = find_uv()
    if uv is None or not cache.is_dir():
        return
    with suppress(FileNotFoundError):
        if not is_asked and time.time() - stamp.stat().st_mtime < _DAY:
            return
    stamp.parent.mkdir(exist_ok=True)
    stamp.touch()
    if size_of(cache) > most_bytes:
        # uv waits for those that install from it.
        subprocess.run([*uv, "cache", "clean"], env=installer_environment(root), capture_output=True)


def _number(variable: str, default: float) -> float:
    text = os.environ.get(variable)
    if not text:
        return default
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise UserErrorException(f"{variable}={text!r}: expected a number from 0 on")
    return number
