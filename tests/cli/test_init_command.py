"""`airflow-ml init`: a workspace and the file that names it."""

import json
from pathlib import Path

import pytest

from airflow_ml.cli.main import main
from airflow_ml.core import Workspace


@pytest.fixture(autouse=True)
def here(home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a current folder outside of the home, whose name cannot be a workspace's."""
    folder = tmp_path_factory.mktemp("sales (new)")
    monkeypatch.chdir(folder)
    return folder


def test_a_workspace_is_made_for_the_folder(here, capsys):
    """Without a name it is called like the folder; `from_config` finds it; nothing is asked."""
    assert main(["init"]) == 0

    workspace = Workspace.from_config()
    assert workspace.name.startswith("sales-new")
    assert workspace.get_default_datastore().name == "workspaceblobstore"
    assert f"workspace {workspace.name!r} made in" in capsys.readouterr().out


def test_twice_is_once(capsys):
    """What is there stays as it is, other keys of the file too."""
    main(["init", "ml"])
    file = Path(".azureml/config.json")
    file.write_text(json.dumps({**json.loads(file.read_text()), "airflow_url": "https://airflow.example.org"}))
    capsys.readouterr()

    assert main(["init", "--json"]) == 0

    assert json.loads(capsys.readouterr().out)["created"] is False
    assert json.loads(file.read_text())["airflow_url"] == "https://airflow.example.org"


def test_another_workspace_needs_force(capsys):
    """A configuration that names another workspace is not lost by a slip."""
    main(["init", "ml"])

    assert main(["init", "other"]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["init", "other", "--force"]) == 0
    assert Workspace.from_config().name == "other"


def test_passwords_are_not_written(capsys):
    """An address with a password is refused, as in the file itself."""
    assert main(["init", "ml", "--registry-url", "postgresql://ann:secret@db/ml"]) == 2

    assert "secret" not in capsys.readouterr().err
    assert not Path(".azureml").exists()


def test_a_folder_that_is_not_there_is_an_error(capsys):
    """Nothing is made in a place that was misspelt."""
    assert main(["init", "--folder", "nowhere"]) == 2
    assert "no folder" in capsys.readouterr().err
