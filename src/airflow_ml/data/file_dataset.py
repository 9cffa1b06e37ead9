"""Files on datastores or the web (`azureml.data.file_dataset`)."""

from __future__ import annotations

import os

from airflow_ml._late import late
from airflow_ml._refusals import refuse_unknown
from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.exceptions import NotSupportedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import NoReturn

    from airflow_ml.data import _reading
    from airflow_ml.runtime import amounts, expressions
    from airflow_ml.runtime.expressions import Expression
else:
    _reading = late("airflow_ml.data._reading")
    amounts = late("airflow_ml.runtime.amounts")
    expressions = late("airflow_ml.runtime.expressions")

__all__ = ["FileDataset", "MountContext"]


class FileDataset(AbstractDataset):
    """
    Files, by reference.

    Made by `Dataset.File.from_files`. A definition by exactly one file means that file; a folder, a pattern or
    several paths mean a folder.
    """

    kind = "file"

    def as_mount(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """Return the dataset as a step's input without an own name, read in place through a path."""
        return DatasetConsumptionConfig(None, self, "mount", path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """Return the dataset as a step's input without an own name, copied before the script starts."""
        return DatasetConsumptionConfig(None, self, "download", path_on_compute)

    def take(self, count: int) -> FileDataset:
        """Return the first `count` files."""
        return self._with_step({"op": "take", "count": amounts.checked_count(count, where="take")})

    def skip(self, count: int) -> FileDataset:
        """Return all files but the first `count`."""
        return self._with_step({"op": "skip", "count": amounts.checked_count(count, where="skip")})

    def take_sample(self, probability: float, seed: int | None = None) -> FileDataset:
        """
        Return each file with this probability (0 to 1).

        Args:
            seed: the same seed takes the same files; without one a fixed number that follows from the definition.
        """
        share = amounts.checked_share(probability, what="probability", where="take_sample")
        return self._with_random_step({"op": "sample", "probability": share}, seed)

    def random_split(self, percentage: float, seed: int | None = None) -> tuple[FileDataset, FileDataset]:
        """
        Return about `percentage` (0 to 1) of the files, and all others.

        Args:
            seed: as in `take_sample`.
        """
        share = amounts.checked_share(percentage, what="percentage", where="random_split")
        first = self._with_random_step({"op": "split", "percentage": share, "part": 0}, seed)
        return first, self._with_random_step({"op": "split", "percentage": share, "part": 1}, seed)

    def to_path(self) -> list[str]:
        """Return the paths of the files, each from the definition's root and beginning with `/`."""
        return [f"/{path}" for path in _reading.list_files(self)]

    def download(
        self, target_path: str | None = None, overwrite: bool = False, ignore_not_found: bool = False
    ) -> list[str]:
        """
        Copy the files to a local folder and return their local paths.

        Args:
            target_path: folder; without one a new temporary folder.
            overwrite: replace files that are there; otherwise one that is there is an error.
            ignore_not_found: a dataset without files gives an empty list instead of an error.

        Raises:
            DatasetNotFoundError: there are no files, and `ignore_not_found` is False.
            UserErrorException: a file is there already, and `overwrite` is False.
        """
        return _reading.download(self, target_path, overwrite=overwrite, ignore_not_found=ignore_not_found)

    def mount(self, mount_point: str | None = None, **kwargs: object) -> MountContext:
        """
        Return a context in which the files are at a local path.

        Args:
            mount_point: folder that does not exist or is empty; without one a temporary folder.
        """
        refuse_unknown(kwargs, where="mount")
        return MountContext(self, mount_point)

    def filter(self, expression: Expression) -> FileDataset:
        """
        Return the files that fit a condition.

        Conditions are made from `file_metadata("Size") > 1000` and, for datasets with a `partition_format`, from
        `dataset["column"] == "x"`.

        Raises:
            UserErrorException: something else than an expression.
        """
        wanted = expressions.condition(expression, where="file dataset: filter")
        return self._with_step({"op": "filter", "expression": wanted.node})

    def file_metadata(self, col: str) -> Expression:
        """
        Return what is known of each file, to make a condition for `filter`.

        Args:
            col: `Size` in bytes, `LastModifiedTime`, `Extension` without the dot, or `CanSeek` (always true).

        Raises:
            NotSupportedError: another attribute, such as v1's `CreationTime`, which stores do not tell.
        """
        return expressions.attribute(col, where="file dataset")

    def as_hdfs(self) -> NoReturn:
        """Not supported: there is no Spark here; use `as_mount` or `as_download`."""
        raise NotSupportedError("file dataset: as_hdfs needs Spark; use as_mount() or as_download()")

    def as_cache(self, datacache_store: object) -> NoReturn:
        """Not supported: mounted files are kept on the worker without being asked."""
        raise NotSupportedError(f"file dataset: as_cache({datacache_store!r}) is not supported; use as_mount()")

    def hydrate(self, datacache_store: object, replica_count: int | None = None) -> NoReturn:
        """Not supported: mounted files are kept on the worker without being asked."""
        raise NotSupportedError(
            f"file dataset: hydrate({datacache_store!r}, {replica_count!r}) is not supported; use as_mount()"
        )


class MountContext:
    """
    The files of a dataset at a local path, from `start` to `stop`.

    Use it as a context manager, or call the two methods. The files are copied at `start` and removed at `stop`.
    """

    def __init__(self, dataset: FileDataset, mount_point: str | None) -> None:
        self._dataset = dataset
        self._given = mount_point
        self._folder: _reading.Staged | None = None

    @property
    def mount_point(self) -> str:
        """The local folder; known from `start` on, or from the beginning if it was given."""
        if self._folder is not None:
            return str(self._folder.path)
        return "" if self._given is None else os.path.abspath(self._given)

    def start(self) -> None:
        """Make the files available."""
        if self._folder is None:
            self._folder = _reading.stage(self._dataset, self._given)

    def stop(self) -> None:
        """Remove them again; twice is once."""
        if self._folder is not None:
            self._folder.remove()
            self._folder = None

    def __enter__(self) -> MountContext:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
