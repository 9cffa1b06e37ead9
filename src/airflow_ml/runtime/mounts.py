"""The context manager that `FileDataset.mount()` gives inside a step."""

from __future__ import annotations

import os

from airflow_ml.exceptions import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MountContext"]


class MountContext:
    """
    A dataset's files in a folder, between `start` and `stop` or in a `with` block.

    Args:
        stage: has the files staged and returns their folder.
        mount_point: where they shall be; None for the folder itself.
    """

    def __init__(self, stage: Callable[[], str], mount_point: str | None) -> None:
        self._stage = stage
        self._wanted = mount_point
        self._staged: str | None = None

    @property
    def mount_point(self) -> str:
        """The folder; the files are staged if they are not yet, so that the path is known before `start`."""
        if self._wanted is not None:
            return self._wanted
        if self._staged is None:
            self._staged = self._stage()
        return self._staged

    def __enter__(self) -> MountContext:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """
        Make the files appear; does nothing the second time.

        Raises:
            UserErrorException: the mount point is taken by something other than an empty folder.
        """
        if self._wanted is None:
            self._staged = self.mount_point
            return
        if os.path.islink(self._wanted):
            return
        if os.path.exists(self._wanted):
            try:
                os.rmdir(self._wanted)
            except OSError as exc:
                raise UserErrorException(
                    f"mount point {self._wanted!r}: expected nothing or an empty folder", exc
                ) from exc
        os.makedirs(os.path.dirname(os.path.abspath(self._wanted)), exist_ok=True)
        os.symlink(self._stage(), self._wanted)

    def stop(self) -> None:
        """Make the files disappear from the mount point; staged files stay in the run directory."""
        if self._wanted is not None and os.path.islink(self._wanted):
            os.unlink(self._wanted)
