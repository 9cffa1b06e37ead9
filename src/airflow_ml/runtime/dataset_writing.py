"""Frames and tables that a script writes to a datastore, by way of its operator."""

from __future__ import annotations

import hashlib
import os
import shutil

from airflow_ml.exceptions import UserErrorException
from airflow_ml.runtime import context as contexts
from airflow_ml.runtime import table_files, table_times
from airflow_ml.runtime.datastores import Datastore
from airflow_ml.runtime.file_datasets import FileDataset
from airflow_ml.runtime.references import DataPath
from airflow_ml.runtime.sources import store_sources
from airflow_ml.runtime.tabular_datasets import TabularDataset
from airflow_ml.runtime.workspace import Workspace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Tuple, Union

    from pandas import DataFrame

    #: What v1 takes as a place to write to.
    Target = Union[Datastore, DataPath, Tuple[Datastore, str]]

__all__ = ["partition", "place_of", "to_files", "write_frame"]


def place_of(target: Target, *, where: str) -> tuple[Datastore, str]:
    """Return datastore and folder of what v1 takes as `target`; raises UserErrorException for anything else."""
    if isinstance(target, Datastore):
        return target, ""
    if isinstance(target, DataPath) and target.datastore is not None:
        return target.datastore, (target.path_on_datastore or "").strip("/")
    if isinstance(target, tuple) and len(target) == 2 and isinstance(target[0], Datastore):
        (source,) = store_sources(target[0].name, [str(target[1])], where=where)
        return target[0], source["path"].rstrip("/")
    raise UserErrorException(f"{where}: target {target!r} is no place; give (datastore, 'folder') or a DataPath")


def to_files(table: TabularDataset, separator: str | None) -> FileDataset:
    """
    Write a table as one file to the workspace's default datastore and return it.

    The file's folder is named by its content, so that equal tables share one.

    Args:
        separator: of a CSV file; None writes parquet.
    """
    context = contexts.required("writing a table")
    folder = _new_folder()
    frame = table.to_pandas_dataframe()
    if separator is None:
        written = table_files.write_parquet(frame, folder)
    else:
        written = table_files.write_csv(frame, folder, separator)
    with open(written, "rb") as file:
        place = f"dataset/{hashlib.sha256(file.read()).hexdigest()[:32]}"
    datastore = Datastore.get_default(Workspace._of(context))
    datastore.upload(folder, place)
    shutil.rmtree(folder)
    return FileDataset._derived({"kind": "file", "sources": [{"datastore": datastore.name, "path": f"{place}/"}]})


def partition(
    table: TabularDataset, keys: Sequence[str], target: Target, name: str | None, *, as_files: bool
) -> FileDataset | TabularDataset:
    """Write a table in partitions into a new folder below `target`; see `TabularDataset.partition_by`."""
    datastore, base = place_of(target, where="partition_by")
    folder = _new_folder()
    described = table_files.write_partitions(table.to_pandas_dataframe().reset_index(drop=True), keys, folder)
    place = _below(base)
    datastore.upload(folder, place)
    shutil.rmtree(folder)
    sources = [{"datastore": datastore.name, "path": f"{place}/"}]
    made: FileDataset | TabularDataset
    if as_files:
        partition_format = described["partition_format"]
        made = FileDataset._derived({"kind": "file", "sources": sources, "partition_format": partition_format})
    else:
        definition: dict[str, Any] = {"kind": "tabular", "sources": sources, **described}
        made = TabularDataset._derived(table_times.marked(definition, *table.timestamp_columns, {}))
    return made if name is None else made.register(datastore.workspace, name, create_new_version=True)


def write_frame(
    dataframe: DataFrame, target: Target, *, row_group_size: int | None, is_unique: bool
) -> tuple[Datastore, str]:
    """Write a frame as one parquet file into a folder on a datastore and return that folder."""
    datastore, place = place_of(target, where="Dataset.Tabular.register_pandas_dataframe")
    if is_unique:
        place = _below(place)
    folder = _new_folder()
    table_files.write_parquet(dataframe, folder, row_group_size)
    datastore.upload(folder, place, overwrite=True)
    shutil.rmtree(folder)
    return datastore, f"{place}/" if place else ""


def _new_folder() -> str:
    # Inside the run directory, so that the operator can read the files where they are.
    uploads = contexts.required("writing a table").directory.uploads
    folder = os.path.join(uploads, os.urandom(12).hex())
    os.makedirs(folder)
    return folder


def _below(folder: str) -> str:
    digits = os.urandom(16).hex()
    name = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    return f"{folder}/{name}" if folder else name
