"""
Mounts that read files when a script reads them, by `rclone mount`: what is started, and where the files are then.

Asked for by `AIRFLOW_ML_MOUNT=fuse`; without it nothing here is used. One folder of a container is mounted read-only
below the run directory, and an input is links into it: exactly the files that were listed. Whoever starts and ends
rclone (`airflow_ml.execution.fuse_mounts`) hands it what opens the container in its environment alone.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from airflow_ml.exceptions import UserErrorException
from airflow_ml.storage.cache_bound import most_bytes

if TYPE_CHECKING:
    from airflow_ml.storage.files_state import FilesState
    from airflow_ml.storage.staging import Placement

__all__ = [
    "MOUNTS_FOLDER",
    "MOUNT_VARIABLE",
    "FolderMount",
    "LazyPlacing",
    "RcloneRemote",
    "clear_mounts",
    "link_files",
    "rclone_command",
    "rclone_environment",
    "split_by_folder",
    "unmount",
    "wants_fuse",
]

#: Environment variable, of the worker or of the step, that says how inputs are mounted: `cache` (default) or `fuse`.
MOUNT_VARIABLE = "AIRFLOW_ML_MOUNT"

#: Below a run directory; everything that is mounted lies in it.
MOUNTS_FOLDER = "mounts"

_DEVICE = Path("/dev/fuse")

#: What rclone shows under other names than the service has: control characters, and what it writes in their place.
_SHOWN_OTHERWISE = re.compile("[\x00-\x1f\x7f\u2400-\u2421\uff0e\u201b]")

#: What rclone needs of the worker's environment: its way to the network.
_VARIABLE = re.compile(r"PATH|HOME|LANG|(https?|no|all)_proxy|SSL_CERT_(FILE|DIR)", re.IGNORECASE)


@runtime_checkable
class RcloneRemote(Protocol):
    """A store that rclone can read."""

    @property
    def identity(self) -> str:
        """What tells stores apart."""
        ...

    def for_rclone(self) -> tuple[str, Mapping[str, str]]:
        """Return the folder that the store is, as rclone calls it, and rclone's settings, which open it for reading."""
        ...


class LazyPlacing(Protocol):
    """Whoever mounts the files of inputs where that is possible."""

    def take(self, placements: Sequence[Placement], state: FilesState | None) -> list[Placement]:
        """Mount what can be, note those files in the state, and return the others."""
        ...


@dataclass(frozen=True)
class FolderMount:
    """
    A folder of a store to mount, with the files of an input that lie in it.

    Attributes:
        folder: of the store; "" is all of it.
    """

    remote: RcloneRemote
    folder: str
    files: Sequence[Placement]

    @property
    def key(self) -> tuple[str, str]:
        """The same for mounts that show the same."""
        return self.remote.identity, self.folder


def wants_fuse(environment: Mapping[str, str]) -> bool:
    """
    Tell whether inputs are to be mounted by FUSE, and whether this machine can.

    Raises:
        UserErrorException: it cannot, or the setting has another value.
    """
    wanted = environment.get(MOUNT_VARIABLE) or "cache"
    if wanted not in ("cache", "fuse"):
        raise UserErrorException(f"{MOUNT_VARIABLE} is {wanted!r}, expected 'fuse' or 'cache'")
    if wanted == "cache":
        return False
    programs = {"rclone": ("rclone",), "fusermount3": ("fusermount3", "fusermount")}
    missing = [name for name, known in programs.items() if not any(map(shutil.which, known))]
    if not _DEVICE.exists() or not os.access(_DEVICE, os.R_OK | os.W_OK):
        missing.append(f"{_DEVICE} (readable and writable)")
    if missing:
        raise UserErrorException(
            f"{MOUNT_VARIABLE} is 'fuse', and this machine has no {', no '.join(missing)}: install the packages rclone "
            "and fuse3 (and give a container the device), or take the setting away: inputs then come by the cache"
        )
    return True


def split_by_folder(placements: Sequence[Placement]) -> tuple[list[FolderMount], list[Placement]]:
    """Return what to mount, one folder for each store, and the files that cannot be mounted."""
    taken: dict[str, list[Placement]] = {}
    rest = []
    for item in placements:
        if isinstance(item.store, RcloneRemote) and not _SHOWN_OTHERWISE.search(item.info.path):
            taken.setdefault(item.store.identity, []).append(item)
        else:
            rest.append(item)
    mounts = []
    for files in taken.values():
        remote = files[0].store
        assert isinstance(remote, RcloneRemote)
        mounts.append(FolderMount(remote, _common_folder([item.info.path for item in files]), files))
    return mounts, rest


def _common_folder(paths: Sequence[str]) -> str:
    # The first and the last in order share no more than all of them do.
    first, last = (path.split("/")[:-1] for path in (min(paths), max(paths)))
    same = [ours == theirs for ours, theirs in zip(first, last, strict=False)]
    return "/".join(first[: same.index(False) if False in same else len(same)])


def link_files(mount: FolderMount, point: Path) -> None:
    """Put a link into the mount at the place of each file."""
    start, made = len(mount.folder) + 1 if mount.folder else 0, set()
    for item in mount.files:
        if item.target.parent not in made:
            item.target.parent.mkdir(parents=True, exist_ok=True)
            made.add(item.target.parent)
        item.target.unlink(missing_ok=True)
        item.target.symlink_to(point / item.info.path[start:])


def rclone_command(mount: FolderMount, root: str, point: Path, cache: Path) -> tuple[str, ...]:
    """Return the command that mounts; no secret is in it."""
    place = f"{root}/{mount.folder}".rstrip("/")
    cache.mkdir(parents=True, exist_ok=True)
    bound = ("--vfs-cache-max-size", f"{most_bytes(cache)}B", "--vfs-cache-poll-interval", "10s")
    # What was listed is what is read: a folder is not listed again while a step runs.
    fixed = ("--read-only", "--vfs-cache-mode", "full", "--dir-cache-time", "240h", "--config", os.devnull)
    return ("rclone", "mount", f"AML:{place}", str(point), *fixed, "--cache-dir", str(cache), *bound)


def rclone_environment(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the environment that the command needs, in which alone the secrets are."""
    ours = {name: value for name, value in os.environ.items() if _VARIABLE.fullmatch(name)}
    return {**ours, **{f"RCLONE_CONFIG_AML_{name.upper()}": value for name, value in settings.items()}}


def unmount(point: Path) -> bool:
    """Take a mount away, by force if something still uses it or rclone has died; tell whether it is gone."""
    for option in ("-u", "-uz"):
        if not _is_listed(point):
            break
        for program in filter(None, map(shutil.which, ("fusermount3", "fusermount"))):
            subprocess.run([program, option, str(point)], stdin=subprocess.DEVNULL, capture_output=True, check=False)
            break
    return not _is_listed(point)


def clear_mounts(root: Path) -> int:
    """Take away what is mounted below a run directory's folder for mounts; return how many there were."""
    points = _mounted(lambda point: point.startswith(f"{root / MOUNTS_FOLDER}{os.sep}"))
    for point in sorted(points, reverse=True):
        unmount(Path(point))
    return len(points)


def _is_listed(point: Path) -> bool:
    # Unlike os.path.ismount, this knows of mounts whose program is dead.
    return bool(_mounted(lambda mounted: mounted == str(point)))


def _mounted(is_wanted: Callable[[str], bool]) -> list[str]:
    try:
        with Path("/proc/self/mountinfo").open(encoding="utf-8", errors="surrogateescape") as mounts:
            points = [_OCTAL.sub(lambda found: chr(int(found[1], 8)), line.split(" ")[4]) for line in mounts]
    except OSError:  # no Linux, and no FUSE
        return []
    return [point for point in points if is_wanted(point)]


#: How blanks, tabs, line ends and backslashes stand in the kernel's list.
_OCTAL = re.compile(r"\\([0-7]{3})")
