"""Tables written to a datastore: as files, in partitions, or out of a frame. Imported at its first use."""

from __future__ import annotations

import hashlib
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.data import _reading, _uploading
from airflow_ml.data._stores import store_named
from airflow_ml.data._workspace import refuse_while_parsing, require_workspace
from airflow_ml.data.file_dataset import FileDataset
from airflow_ml.data.tabular_dataset import TabularDataset
from airflow_ml.runtime import table_files, table_times
from airflow_ml.storage import transfer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from airflow_ml.data._uploading import Target
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.graph.model import Json

__all__ = ["partition", "to_files", "write_frame"]

_IN_A_STEP = "write data in a step or a script"


def to_files(table: TabularDataset, *, separator: str | None) -> FileDataset:
    """
    Write a table as one file to the workspace's default datastore and return it.

    The file's folder is named by its content, so that equal tables share one, and what one call has written is never
    changed by another.

    Args:
        separator: of a CSV file; None writes parquet.
    """
    refuse_while_parsing("writing a table", _IN_A_STEP)
    workspace = require_workspace(table.workspace, where="tabular dataset")
    record = workspace.registry().datastores.default()
    with tempfile.TemporaryDirectory(prefix="airflow-ml-") as local:
        frame = _reading.read_table(table, on_error="null", out_of_range_datetime="null")
        if separator is None:
            written = table_files.write_parquet(frame, local)
        else:
            written = table_files.write_csv(frame, local, separator)
        folder = f"dataset/{hashlib.sha256(Path(written).read_bytes()).hexdigest()[:32]}"
        transfer.put_tree(store_named(workspace, record.name), Path(local), folder)
    sources: list[Json] = [{"datastore": record.name, "path": f"{folder}/"}]
    return FileDataset._create({"kind": "file", "sources": sources}, workspace)


def partition(
    table: TabularDataset,
    keys: Sequence[str],
    target: Target,
    name: str | None,
    *,
    show_progress: bool,
    as_files: bool,
) -> FileDataset | TabularDataset:
    """Write a table in partitions into a new folder below `target`; see `TabularDataset.partition_by`."""
    refuse_while_parsing("writing a table", _IN_A_STEP)
    datastore, base = _uploading.place_of(target, where="partition_by")
    folder = _uploading.join(base, str(uuid.uuid4()))
    with tempfile.TemporaryDirectory(prefix="airflow-ml-") as local:
        frame = _reading.read_table(table, on_error="null", out_of_range_datetime="null")
        described = table_files.write_partitions(frame.reset_index(drop=True), keys, local)
        _uploading.upload(datastore, local, folder, overwrite=False, show_progress=show_progress)
    sources: list[Json] = [{"datastore": datastore.name, "path": f"{folder}/"}]
    made: FileDataset | TabularDataset
    if as_files:
        files: dict[str, Json] = {"kind": "file", "sources": sources, "partition_format": described["partition_format"]}
        made = FileDataset._create(files, datastore.workspace)
    else:
        marks = table_times.time_columns(table.definition)
        definition = table_times.marked({"kind": "tabular", "sources": sources, **described}, *marks, {})
        made = TabularDataset._create(definition, datastore.workspace)
    return made if name is None else made.register(datastore.workspace, name, create_new_version=True)


def write_frame(
    dataframe: pd.DataFrame,
    target: Target,
    *,
    row_group_size: int | None,
    is_unique: bool,
    show_progress: bool,
) -> tuple[AbstractDatastore, str]:
    """Write a frame as one parquet file into a folder on a datastore and return that folder."""
    refuse_while_parsing("writing a frame", _IN_A_STEP)
    datastore, folder = _uploading.place_of(target, where="Dataset.Tabular.register_pandas_dataframe")
    if is_unique:
        folder = _uploading.join(folder, str(uuid.uuid4()))
    with tempfile.TemporaryDirectory(prefix="airflow-ml-") as local:
        table_files.write_parquet(dataframe, local, row_group_size)
        _uploading.upload(datastore, local, folder, overwrite=True, show_progress=show_progress)
    return datastore, f"{folder}/" if folder else ""
