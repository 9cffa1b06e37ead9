"""A workspace of its own for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_ml.core import Workspace


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
