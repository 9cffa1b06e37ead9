"""A current folder with scripts, and a workspace that is never opened."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.core import Workspace
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.file_dataset import FileDataset
from airflow_ml.pipeline.steps import PythonScriptStep

#: Makes a step of a name; takes what PythonScriptStep takes besides.
MakeStep = Callable[..., PythonScriptStep]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with `src/run.py`, and a home that does not exist and must not be made."""
    monkeypatch.setenv("AIRFLOW_ML_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("AIRFLOW_ML_REGISTRY", raising=False)
    work = tmp_path / "work"
    (work / "src").mkdir(parents=True)
    (work / "src" / "run.py").write_text("print('hello')\n")
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def workspace() -> Workspace:
    """A workspace by name alone."""
    return Workspace("subscription", "group", "ml")


@pytest.fixture
def store(workspace: Workspace) -> AzureBlobDatastore:
    """A datastore that is never opened."""
    return AzureBlobDatastore(workspace, "store", None, None)


@pytest.fixture
def dataset(workspace: Workspace) -> FileDataset:
    """A dataset that is never read."""
    definition = {"kind": "file", "sources": [{"datastore": "store", "path": "raw/"}]}
    return FileDataset._create(definition, workspace)


@pytest.fixture
def step() -> MakeStep:
    """Return what makes steps of `src/run.py`."""

    def make(name: str, **arguments: object) -> PythonScriptStep:
        return PythonScriptStep("run.py", name=name, source_directory="src", **arguments)  # type: ignore[arg-type]

    return make
