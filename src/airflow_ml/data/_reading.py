"""What a dataset reads on this machine: paths, copies, mounts and tables. Imported at its first use."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from airflow_ml.data._stores import stores_of
from airflow_ml.data._workspace import refuse_while_parsing
from airflow_ml.exceptions import DatasetNotFoundError, UserErrorException
from airflow_ml.registry import Home
from airflow_ml.runtime import frames, table_times
from airflow_ml.storage import frames as table_frames
from airflow_ml.storage.datasets import resolve, stage_dataset, store_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pandas as pd

    from airflow_ml.data.abstract_dataset import AbstractDataset
    from airflow_ml.storage.datasets import ResolvedDataset, Stores

__all__ = ["Staged", "changed_time", "check_times", "download", "key_values", "list_files", "read_table", "stage"]

_IN_A_STEP = "read data in a step or a script"


def _files(dataset: AbstractDataset, stores: Stores | None = None) -> ResolvedDataset:
    refuse_while_parsing("reading a dataset", _IN_A_STEP)
    return resolve(dataset.definition, stores or stores_of(dataset))


def list_files(dataset: AbstractDataset) -> list[str]:
    """Return the paths of the files inside the dataset, without a leading `/`."""
    return [file.relative_path.lstrip("/") for file in _files(dataset).files]


def download(
    dataset: AbstractDataset, target_path: str | None, *, overwrite: bool, ignore_not_found: bool
) -> list[str]:
    """Copy the files to a local folder and return their local paths; see `FileDataset.download`."""
    stores = stores_of(dataset)
    try:
        found = _files(dataset, stores).files
    except DatasetNotFoundError:
        if not ignore_not_found:
            raise
        return []
    target = Path(target_path) if target_path is not None else Path(tempfile.mkdtemp(prefix="airflow-ml-"))
    places = [(file, target.absolute() / file.relative_path.lstrip("/")) for file in found]
    taken = [str(place) for _, place in places if place.exists()]
    if taken and not overwrite:
        raise UserErrorException(
            f"download of a dataset: {taken[0]!r} is there already (and {len(taken) - 1} others); pass overwrite=True "
            "or another target_path"
        )
    for file, place in places:
        store_of(file, stores).get(file.path, place)
    return [str(place) for _, place in places]


@dataclass(frozen=True)
class Staged:
    """
    A dataset's files in a folder that is taken away again.

    Attributes:
        root: what `remove` deletes.
        path: the folder with the files.
    """

    root: Path
    path: Path

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.root, ignore_errors=True)


def stage(dataset: AbstractDataset, mount_point: str | None) -> Staged:
    """
    Bring the dataset's files into a folder, read-only.

    Raises:
        UserErrorException: the folder that was given is not empty.
    """
    refuse_while_parsing("mounting a dataset", _IN_A_STEP)
    if mount_point is None:
        root = Path(tempfile.mkdtemp(prefix="airflow-ml-"))
    else:
        root = Path(mount_point).absolute()
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise UserErrorException(f"mount point {mount_point!r}: is not an empty folder; choose another one")
    staged = stage_dataset(dataset.definition, stores_of(dataset), root, "mount", Home.default().cache)
    return Staged(root, staged.root)


def read_table(dataset: AbstractDataset, *, on_error: str, out_of_range_datetime: str) -> pd.DataFrame:
    """Read the whole table; see `TabularDataset.to_pandas_dataframe`."""
    refuse_while_parsing("reading a dataset", _IN_A_STEP)
    # v1 treats both alike unless they differ; a strict reading is the safe answer to either.
    strict = "fail" in (on_error, out_of_range_datetime)
    return table_frames.read_frame(dataset.definition, stores_of(dataset), cache=Home.default().cache, strict=strict)


def check_times(dataset: AbstractDataset, *, where: str) -> None:
    """Read the table's head and raise UserErrorException unless its time columns are there and hold times."""
    unmarked = dataset._derived(table_times.marked(dataset.definition, None, None, {}))
    head = unmarked._with_step({"op": "take", "count": 1})
    frame = read_table(head, on_error="null", out_of_range_datetime="null")
    table_times.check_times(frame, dataset.definition, where=where)


def key_values(dataset: AbstractDataset, keys: list[str] | None) -> list[dict[str, object]]:
    """Return the distinct values of partition columns; see `AbstractDataset.get_partition_key_values`."""
    frames.key_values(dataset.definition, (), keys)
    return frames.key_values(dataset.definition, list_files(dataset), keys)


def changed_time(dataset: AbstractDataset) -> datetime | None:
    """Return when the newest of the dataset's files was modified; None without files, and for queries of databases."""
    sources = cast("list[Mapping[str, str]]", dataset.definition["sources"])
    if any("query" in source for source in sources):
        return None
    return max((file.info.modified for file in _files(dataset).files), default=None)
