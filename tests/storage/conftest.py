"""Stores and caches in temporary folders, and a file system of its own that can run full."""

import os
import subprocess
from pathlib import Path

import pytest
from servers.file_share import ACCOUNT, KEY, running_share_server

from airflow_ml.storage.factory import StoreContext, open_store
from airflow_ml.storage.local import LocalStore


@pytest.fixture
def store(tmp_path):
    """A local store in an empty folder."""
    return LocalStore(tmp_path / "store")


@pytest.fixture
def cache(tmp_path):
    """The folder of a host's file cache."""
    return tmp_path / "cache"


@pytest.fixture
def output(tmp_path):
    """The place where a script writes an output; not there yet."""
    (tmp_path / "run" / "data").mkdir(parents=True)
    return tmp_path / "run" / "data" / "model"


@pytest.fixture
def small_disk(tmp_path):
    """A mounted file system of 256 KiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small tmpfs needs root")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", place], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {mounted.stderr.decode().strip()}")
    yield Path(place)
    subprocess.run(["umount", place], check=True)


def _fill(store, files):
    """Write the files of a mapping from path to text."""
    for path, text in files.items():
        store.write(path, text.encode())


@pytest.fixture
def fill():
    """Function that writes a mapping from path to text into a store."""
    return _fill


@pytest.fixture
def write_tree():
    """Function that writes a mapping from path to text below a local folder."""

    def write(root, files):
        for path, text in files.items():
            place = root / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        return root

    return write


@pytest.fixture
def share_server(tmp_path):
    """A stand-in for Azure Files."""
    with running_share_server(tmp_path / "shares") as server:
        yield server


@pytest.fixture
def share_store(share_server):
    """An empty file share."""
    settings = {"kind": "azure_file", "account": ACCOUNT, "share": "data", "protocol": "http", "auth": "account_key"}
    context = StoreContext("files", credentials=lambda: {"account_key": KEY})
    store = open_store({**settings, "endpoint": share_server.url}, context)
    store.create_share()
    return store
