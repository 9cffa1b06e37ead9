"""A workspace of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_ml.core import Workspace
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore


@pytest.fixture
def work(home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty folder the current one; the home folder is the test's own as well."""
    folder = tmp_path_factory.mktemp("work")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def workspace(work: Path) -> Workspace:
    """A fresh workspace."""
    return Workspace.create("ml", subscription_id="sub", resource_group="group", show_output=False)


@pytest.fixture
def blob(workspace: Workspace) -> AzureBlobDatastore:
    """The default datastore, with three files in `raw`."""
    store = workspace.get_default_datastore()
    assert isinstance(store, AzureBlobDatastore)
    folder = Path("raw")
    (folder / "b").mkdir(parents=True)
    (folder / "a.csv").write_text("x,y\n1,one\n2,two\n")
    (folder / "b" / "c.csv").write_text("x,y\n3,three\n")
    (folder / "note.txt").write_text("hello")
    store.upload("raw", "raw", show_progress=False)
    return store
