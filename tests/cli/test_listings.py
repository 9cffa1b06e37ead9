"""`airflow-ml datastores`, `datasets`, `compute list` and `schedules`."""

import json
from pathlib import Path

import pytest

from airflow_ml.cli.main import main
from airflow_ml.core import ComputeTarget, Dataset, Workspace
from airflow_ml.core.compute import AmlCompute
from airflow_ml.registry.schedule_records import ScheduleContent


@pytest.fixture
def workspace(folder: Path) -> Workspace:
    """Return the workspace `ml` with a table in it."""
    workspace = Workspace.get("ml")
    Path("points.csv").write_text("x,y\n1,2\n3,4\n5,6\n")
    store = workspace.get_default_datastore()
    store.upload_files(["points.csv"], target_path="points", show_progress=False)
    Dataset.Tabular.from_delimited_files((store, "points/points.csv")).register(workspace, "points", description="few")
    Dataset.File.from_files((store, "points/*.csv")).register(workspace, "files")
    return workspace


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what a command prints."""
    capsys.readouterr()
    assert main([*arguments]) == 0
    return capsys.readouterr().out


def document(capsys: pytest.CaptureFixture[str], *arguments: str):
    """Return the JSON that a command prints."""
    return json.loads(printed(capsys, *arguments, "--json"))


def test_datastores_are_listed_with_their_places(workspace, capsys):
    """The default one is marked, secrets are not shown."""
    assert "workspaceblobstore         Local  default" in printed(capsys, "datastores", "list")
    assert len(document(capsys, "datastores", "list")["datastores"]) == 4
    assert document(capsys, "datastores", "show", "workspaceblobstore")["is_default"] is True


def test_a_datastore_is_registered_without_a_secret(workspace, capsys):
    """A connection of Airflow's has the secret; what a kind needs is asked for by name."""
    printed(
        capsys, "datastores", "register", "postgresql", "o", "--server", "d", "--database", "b", "--connection", "c"
    )

    assert workspace.datastores["o"].database_name == "b"
    assert main(["datastores", "register", "blob", "raw", "--account", "a"]) == 2
    assert "give --container" in capsys.readouterr().err
    assert main(["datastores", "register", "sql", "s", "--server", "d", "--database", "b", "--share", "x"]) == 2
    assert "--share is not of this kind" in capsys.readouterr().err


def test_datasets_are_listed_shown_and_previewed(workspace, capsys):
    """A table shows its rows, files their paths."""
    assert [item["name"] for item in document(capsys, "datasets", "list")["datasets"]] == ["files", "points"]
    assert "few" in printed(capsys, "datasets", "list")
    assert document(capsys, "datasets", "show", "points@1")["versions"] == ["1"]
    assert printed(capsys, "datasets", "preview", "points", "--rows", "2").split() == [
        "x",
        "y",
        "-",
        "-",
        "1",
        "2",
        "3",
        "4",
    ]
    assert document(capsys, "datasets", "preview", "files")["rows"] == [{"path": "/points.csv"}]


def test_unknown_names_are_errors(workspace, capsys):
    """A misspelt name is said with its workspace."""
    for command in (["datasets", "show", "no"], ["datastores", "show", "no"], ["schedules", "show", "no"]):
        assert main(command) == 2
        assert "no" in capsys.readouterr().err


def test_compute_targets_are_listed(workspace, capsys):
    """A target is shown with what was said of it."""
    ComputeTarget.create(workspace, "cpu", AmlCompute.provisioning_configuration(max_nodes=4))

    (target,) = document(capsys, "compute", "list")["compute_targets"]
    assert (target["name"], target["settings"]["max_nodes"]) == ("cpu", 4)
    assert "max_nodes = 4" in printed(capsys, "compute", "list")


def test_schedules_are_listed(workspace, capsys):
    """A schedule is shown with what it starts and when; one that is disabled with --all alone."""
    content = ScheduleContent("daily", "e", pipeline_id="p", recurrence={"frequency": "Day", "interval": 2})
    schedules = workspace.registry().schedules
    record = schedules.create(content, dag_prefix="schedule")
    assert "every 2 Day" in printed(capsys, "schedules", "list")

    schedules.set_active(record.id, active=False)

    assert document(capsys, "schedules", "list")["schedules"] == []
    assert document(capsys, "schedules", "list", "--all")["schedules"][0]["status"] == "Disabled"
    assert document(capsys, "schedules", "show", record.id)["pipeline_id"] == "p"


def test_several_workspaces_need_a_name(workspace, capsys):
    """What is about one workspace does not choose among several."""
    Workspace.create("other", show_output=False)

    assert main(["datasets", "preview", "points"]) == 2
    assert "give --workspace" in capsys.readouterr().err
    assert len(document(capsys, "datastores", "list")["datastores"]) == 8
