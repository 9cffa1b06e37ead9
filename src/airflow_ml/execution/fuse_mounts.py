"""
The FUSE mounts of one attempt: rclone is started under a keeper, watched, and ended.

The keeper is that of scripts (`airflow_ml.compute.keeper`): when the worker dies, however it dies, it ends rclone, and
that takes its mount away. Where both were killed, `airflow_ml.execution.leftovers` does.
"""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.compute.process_launcher import ProcessLauncher
from airflow_ml.compute.request import Outcome, ProcessRequest
from airflow_ml.exceptions import AzureMLException, ServiceException
from airflow_ml.storage.fuse_mount import (
    MOUNT_VARIABLE,
    MOUNTS_FOLDER,
    FolderMount,
    link_files,
    rclone_command,
    rclone_environment,
    split_by_folder,
    unmount,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ml.compute.launcher import RunningStep
    from airflow_ml.storage.files_state import FilesState
    from airflow_ml.storage.staging import Placement

__all__ = ["FuseMounts"]

_SECONDS_TO_MOUNT = 30.0
#: How long to wait for the end of an rclone that answers no more, to say why; it has ended or does so at once.
_SECONDS_TO_END = 5.0
#: Addresses in rclone's messages may hold a token behind the question mark.
_QUERY = re.compile(r"\?\S+")


@dataclass(frozen=True)
class _Mounted:
    what: str
    point: Path
    rclone: RunningStep

    def answers(self) -> bool:
        """
        Tell whether the mount is there and rclone answers for it.

        The kernel hands this question to rclone; a killed one is never heard again, while looking at the list of mounts
        or of processes may come before the kernel has taken it away.
        """
        try:
            os.statvfs(self.point)
        except OSError:
            return False
        return os.path.ismount(self.point)

    def ended(self, timeout: float) -> Outcome | str | None:
        """Return how rclone ended within so many seconds, or None if it runs."""
        try:
            return self.rclone.wait(timeout=timeout)
        except AzureMLException as error:  # its keeper was killed, and it with that
            return str(error)


class FuseMounts:
    """
    Mounts folders below a run directory, for as long as the attempt lasts.

    Args:
        marker: of the attempt, by which rclone is found when all else was killed.
        root: the run directory.
    """

    def __init__(self, marker: str, root: Path) -> None:
        self._marker = marker
        self._root = root / MOUNTS_FOLDER
        self._mounted: dict[tuple[str, str], _Mounted] = {}

    @property
    def are_used(self) -> bool:
        """Whether anything is mounted: it goes with this process."""
        return bool(self._mounted)

    def take(self, placements: Sequence[Placement], state: FilesState | None) -> list[Placement]:
        """
        Mount what can be, and return the other files; see `airflow_ml.storage.fuse_mount.LazyPlacing`.

        Raises:
            ServiceException: rclone did not mount.
        """
        mounts, rest = split_by_folder(placements)
        for mount in mounts:
            if mount.key not in self._mounted:
                self._mounted[mount.key] = self._start(mount)
            link_files(mount, self._mounted[mount.key].point)
            for item in mount.files if state is not None else ():
                state.add(item.info)  # type: ignore[union-attr]
        return rest

    def refuse_dead(self) -> None:
        """
        Refuse to go on with what a script read where a mount has died.

        Raises:
            ServiceException: one has; trying again can help.
        """
        for mounted in self._mounted.values():
            answers = mounted.answers()
            ended = mounted.ended(timeout=0 if answers else _SECONDS_TO_END)
            if ended is not None or not answers:
                how = "somebody unmounted it" if ended is None else f"rclone {ended}"
                raise ServiceException(
                    f"the FUSE mount of {mounted.what!r} died while the script ran ({how}), so what the script read"
                    f" counts for nothing; try again, or without {MOUNT_VARIABLE}=fuse"
                )

    def close(self) -> None:
        """Unmount everything and end rclone; twice is fine."""
        while self._mounted:
            _, mounted = self._mounted.popitem()
            unmount(mounted.point)
            with suppress(AzureMLException):
                mounted.rclone.close()
            unmount(mounted.point)  # one that appeared in this very moment

    def _start(self, mount: FolderMount) -> _Mounted:
        folder = self._root / str(len(self._mounted))
        point = folder / "files"
        folder.mkdir(parents=True, mode=0o700)
        # Whoever writes where a mount has vanished shall fail. Root does not, and others must be able to mount.
        point.mkdir(mode=0 if os.geteuid() == 0 else 0o700)
        root, settings = mount.remote.for_rclone()
        request = ProcessRequest(
            argv=rclone_command(mount, root, point, folder / "cache"),
            cwd=Path("/"),
            environment=rclone_environment(settings),
            log_path=folder / "rclone.log",
            attempt_directory=folder,
            marker=self._marker,
        )
        mounted = _Mounted(f"{root}/{mount.folder}".rstrip("/"), point, ProcessLauncher().launch(request))
        try:
            self._wait(mounted, request.log_path)
        except BaseException:
            unmount(point)
            mounted.rclone.close()
            unmount(point)
            raise
        return mounted

    def _wait(self, mounted: _Mounted, log: Path) -> None:
        until = time.monotonic() + _SECONDS_TO_MOUNT
        while not os.path.ismount(mounted.point):
            outcome = mounted.rclone.wait(timeout=0.01)
            if outcome is not None or time.monotonic() > until:
                lines = log.read_text(encoding="utf-8", errors="replace").splitlines() or ["without a word"]
                reason = _QUERY.sub("?***", lines[-1])[:300]
                raise ServiceException(
                    f"rclone did not mount {mounted.what!r} within {_SECONDS_TO_MOUNT:.0f} s"
                    f" ({outcome or 'it still tries'}): {reason}; try again, or without {MOUNT_VARIABLE}=fuse"
                )
