"""Reading a dataset as a pandas frame where the stores are at hand: in the operator, or on the user's machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.runtime import frames
from airflow_ml.storage.cache import FileCache
from airflow_ml.storage.datasets import DatasetFile, Definition, Stores, resolve, store_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["read_frame"]


def read_frame(definition: Definition, stores: Stores, *, cache: Path) -> pd.DataFrame:
    """
    Read a dataset into a frame; files of a store on this machine are read where they lie.

    Args:
        definition: of the dataset; its `parse` and `steps` say how files become rows.
        stores: gives the store of a datastore name.
        cache: the folder of the host's cache, for files that lie elsewhere.

    Raises:
        DatasetNotFoundError: as in `airflow_ml.storage.datasets.resolve`.
    """
    dataset = resolve(definition, stores)
    kept = FileCache(cache)
    files = [(str(_local(file, stores, kept)), file.relative_path) for file in dataset.files]
    return frames.read_frame(definition, files)


def _local(file: DatasetFile, stores: Stores, kept: FileCache) -> Path:
    store = store_of(file, stores)
    return store.local_path(file.path) or kept.fetch(store, file.info)
