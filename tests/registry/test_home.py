"""Folders on this machine."""

from pathlib import Path

import pytest

from airflow_ml.exceptions import WorkspaceException
from airflow_ml.registry import Home


def test_the_environment_names_the_home(home):
    """AIRFLOW_ML_HOME is the home, and nothing is made there by asking."""
    found = Home.default()

    assert found.root == home
    assert found.workspace("w").store("workspaceblobstore") == home / "w" / "stores" / "workspaceblobstore"
    assert found.workspace("w").drivers != found.workspace("w").runs
    assert list(home.iterdir()) == []


def test_the_home_is_in_the_users_folder_by_default(home, monkeypatch):
    """Without AIRFLOW_ML_HOME it is ~/.airflow_ml."""
    monkeypatch.delenv("AIRFLOW_ML_HOME")
    monkeypatch.setenv("HOME", str(home))

    assert Home.default().root == home / ".airflow_ml"


def test_shared_folders_lie_beside_the_workspaces():
    """What the machine shares has names of its own, which no workspace can take."""
    home = Home(Path("/h"))

    for folder in (home.airflow, home.cache, home.environments, home.library, home.locks):
        with pytest.raises(WorkspaceException, match="taken"):
            home.workspace(folder.name)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../b", "a\0"])
def test_a_workspace_stays_inside_the_home(name):
    """A name that would lead elsewhere is refused and quoted."""
    with pytest.raises(WorkspaceException, match="also a folder's"):
        Home(Path("/h")).workspace(name)
