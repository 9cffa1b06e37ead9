"""Files on datastores or the web, inside a step."""

from __future__ import annotations

import os

from airflow_ml._late import late
from airflow_ml.exceptions import DatasetNotFoundError, UserErrorException
from airflow_ml.runtime import context as contexts
from airflow_ml.runtime.dataset_base import AbstractDataset
from airflow_ml.runtime.mounts import MountContext

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from airflow_ml.runtime import expressions
    from airflow_ml.runtime.expressions import Expression
else:
    expressions = late("airflow_ml.runtime.expressions")

__all__ = ["FileDataset"]


class FileDataset(AbstractDataset):
    """Files on datastores or the web."""

    def to_path(self) -> list[str]:
        """Return the files' paths relative to the dataset's root, each with a leading `/`."""
        return ["/" + path for path in self._stage()["files"]]

    def file_metadata(self, col: str) -> Expression:
        """
        Return what is known of each file, to make a condition for `filter`.

        Args:
            col: `Size` in bytes, `LastModifiedTime`, `Extension` without the dot, or `CanSeek` (always true).

        Raises:
            NotSupportedError: another attribute, such as v1's `CreationTime`, which stores do not tell.
        """
        return expressions.attribute(col, where="file dataset")

    def download(
        self, target_path: str | None = None, overwrite: bool = False, ignore_not_found: bool = False
    ) -> list[str]:
        """
        Copy the files and return their local paths.

        Args:
            target_path: a folder of the run directory otherwise.
            overwrite: write over files that are there.
            ignore_not_found: a dataset without files gives an empty list instead of an error.

        Raises:
            UserErrorException: a target exists, and overwrite is false.
            DatasetNotFoundError: the dataset has no files.
        """
        import shutil  # costs 5 ms, and only downloads need it

        try:
            staged = self._stage()
        except DatasetNotFoundError:
            if ignore_not_found:
                return []
            raise
        if not staged["files"] and not ignore_not_found:
            raise DatasetNotFoundError(f"{self!r}: has no files; expected at least one, or ignore_not_found=True")
        requests = contexts.required("download").directory.requests
        folder = os.path.abspath(target_path or os.path.join(requests, os.urandom(12).hex()))
        targets = [os.path.join(folder, path) for path in staged["files"]]
        taken = [path for path in targets if os.path.lexists(path)]
        if taken and not overwrite:
            raise UserErrorException(f"{self!r}: {taken[0]!r} exists; give overwrite=True or another target_path")
        for path, target in zip(staged["files"], targets):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(os.path.join(staged["root"], path), target)
        return targets

    def mount(self, mount_point: str | None = None, **kwargs: Any) -> MountContext:
        """
        Return a context manager with `mount_point`, in which the files lie read-only while it is entered.

        Args:
            mount_point: made as a link to the staged files; a place in the run directory otherwise.
        """
        return MountContext(lambda: self._stage()["root"], mount_point)

    def as_mount(self, path_on_compute: str | None = None) -> MountContext:
        """The same as `mount`: there is no step left to be given an input."""
        return self.mount(path_on_compute)
