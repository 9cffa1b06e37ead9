"""Queries as files of a store: asked once, whole, and gone with the process."""

import gc
import subprocess
import sys

import pandas as pd
import pytest

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.storage.databases import DatabaseStore
from airflow_ml.storage.databases.query_store import query_path
from airflow_ml.storage.databases.scratch import Scratch
from airflow_ml.storage.datasets import resolve
from airflow_ml.storage.local import LocalStore

NUMBERS = query_path({"query": "SELECT * FROM numbers ORDER BY id"})


@pytest.fixture
def store(served):
    """A store over a database with three numbers."""
    served.run("CREATE TABLE numbers (id int)", "INSERT INTO numbers VALUES (1), (2), (3)")
    return DatabaseStore(served.database)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of temporary files, of the test's own."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_query_is_asked_once_until_it_is_forgotten(store, served):
    """What was answered stays the answer, whatever happens to the table."""
    first = store.stat(NUMBERS)
    served.run("DELETE FROM numbers WHERE id = 3")
    assert store.stat(NUMBERS) == first
    assert store.open_read(NUMBERS).read(4) == b"PAR1"
    store.forget()
    assert store.stat(NUMBERS) != first


def test_another_store_gives_the_same_rows_or_an_error(store, served, tmp_path):
    """The path says all that is needed to ask; other rows than those that were seen are not handed out."""
    info = store.stat(NUMBERS)
    DatabaseStore(served.database).get(NUMBERS, tmp_path / "x", etag=info.etag)
    assert (tmp_path / "x").stat().st_size == info.size
    served.run("DELETE FROM numbers WHERE id = 3")
    with pytest.raises(ServiceException, match="gives other rows"):
        DatabaseStore(served.database).get(NUMBERS, tmp_path / "x", etag=info.etag)


def test_a_query_is_one_file_of_a_dataset(store):
    """The dataset has one file, with a name and the digest of its rows."""
    definition = {"kind": "tabular", "sources": [{"datastore": "sales", "query": "SELECT 1 AS one"}]}
    [file] = resolve(definition, lambda _name: store).files
    assert (file.relative_path, file.info.digest[:7]) == ("/query.parquet", "sha256:")


def test_the_first_rows_alone_are_read(store):
    """`take` as the first operation is the limit of the query."""
    source = {"datastore": "sales", "query": "SELECT id FROM numbers ORDER BY id"}
    taken = {"kind": "tabular", "sources": [source], "steps": [{"op": "take", "count": 1}]}
    [file] = resolve(taken, lambda _name: store).files
    assert pd.read_parquet(store.open_read(file.path))["id"].tolist() == [1]


def test_a_query_of_a_store_of_files(tmp_path):
    """A datastore that is no database says so."""
    definition = {"kind": "tabular", "sources": [{"datastore": "blobs", "query": "SELECT 1"}]}
    with pytest.raises(UserErrorException, match="'blobs': is no database"):
        resolve(definition, lambda _name: LocalStore(tmp_path))


def test_rows_are_gone_with_the_store(store, folder):
    """Nothing of a query stays behind in the folder of temporary files."""
    store.stat(NUMBERS)
    assert list(folder.iterdir())
    store.forget()
    assert not list(folder.glob("*/*.parquet"))
    del store
    gc.collect()


def test_rows_of_a_process_that_was_killed_are_cleared_away(folder):
    """The next process that keeps rows removes those of a dead one, and not those of one that lives."""
    code = (
        "import os, signal, tempfile; from airflow_ml.storage.databases.scratch import Scratch;"
        f"tempfile.tempdir = {str(folder)!r}; kept = Scratch();"
        "(kept.folder / 'rows').write_text('secret'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    [dead] = folder.iterdir()
    living = Scratch()
    other = Scratch()
    assert not dead.exists()
    assert living.folder.exists()
    del living
    gc.collect()
    assert list(folder.iterdir()) == [other.folder]
