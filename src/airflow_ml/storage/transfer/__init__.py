"""
Trees of files between this machine and stores, and between stores: what `upload`, `download` and staging are made of.

Built on the `Store` protocol alone, for all kinds of datastores: a bounded pool over files and parts of files, which
goes on where an earlier try was cut, skips what is unchanged, and compares what has arrived with what was sent.
"""

from airflow_ml.storage.transfer.copying import StoreCopy, copy_files
from airflow_ml.storage.transfer.downloads import download, fetch_files, get_tree
from airflow_ml.storage.transfer.memory import TransferMemory
from airflow_ml.storage.transfer.uploads import put_file, put_tree, upload

__all__ = [
    "StoreCopy",
    "TransferMemory",
    "copy_files",
    "download",
    "fetch_files",
    "get_tree",
    "put_file",
    "put_tree",
    "upload",
]
