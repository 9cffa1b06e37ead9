"""`airflow-ml reuse gc`."""

import json
from datetime import datetime, timedelta, timezone

import pytest

from airflow_ml.cli.main import main
from airflow_ml.core import Workspace
from airflow_ml.execution.services import open_services
from airflow_ml.graph import WorkspaceRef
from airflow_ml.storage.commit import commit_output


@pytest.fixture
def leftover(folder):
    """A file that a failed attempt left, and the run's id."""
    with open_services(WorkspaceRef("ml")) as services:
        runs, store = services.registry.runs, services.store("workspaceblobstore")
        pipeline = runs.create("e", "p", kind="pipeline", status="Running")
        run = runs.create("e", "train", kind="step", parent_id=pipeline.id, node_id="train", status="Running")
        (folder / "out").mkdir()
        (folder / "out" / "a").write_text("12345")
        commit_output(
            store,
            folder / "out",
            destination=f"azureml/{run.id}/o",
            run_id=run.id,
            output="o",
            datastore="workspaceblobstore",
        )
        for ended in (run, pipeline):
            runs.set_status(ended.id, "Failed", ended_at=datetime.now(timezone.utc) - timedelta(days=2))
        yield store.local_path(f"azureml/{run.id}/o/a"), run.id


def gc(*arguments):
    """Run the command."""
    return main(["reuse", "gc", *arguments])


def test_garbage_is_listed_and_then_removed(leftover, capsys):
    """What would go is shown, nothing goes without `--delete`, and the end says how much."""
    place, run_id = leftover

    assert gc() == 0
    listed = capsys.readouterr().out
    assert f"workspaceblobstore:azureml/{run_id}/o" in listed
    assert "of an attempt that is Failed" in listed
    assert "workspace 'ml': nobody needs 1 file of 5 bytes; --delete removes them" in listed
    assert place.exists()

    assert gc("--delete") == 0
    assert "workspace 'ml': 1 file of 5 bytes removed" in capsys.readouterr().out
    assert not place.exists()


def test_garbage_as_a_document(leftover, capsys):
    """`--json` gives every piece with its reason."""
    assert gc("--json") == 0

    (document,) = json.loads(capsys.readouterr().out)["collections"]
    assert [(item["kind"], item["run_id"], item["size"]) for item in document["garbage"]] == [
        ("leftover", leftover[1], 5)
    ]
    assert (document["workspace"], document["deleted"], document["removed_files"]) == ("ml", False, 0)


def test_several_workspaces_are_not_cleaned_at_once(leftover, capsys):
    """Removing asks for the workspace by name; listing does not."""
    Workspace.create("other", show_output=False)

    assert gc() == 0
    assert gc("--delete") == 2
    assert "several workspaces are on this machine: ml, other; give --workspace" in capsys.readouterr().err
    assert leftover[0].exists()


@pytest.mark.parametrize(
    "wrong",
    [["--grace", "-1"], ["--older-than", "nan"], ["--grace", "soon"], ["--keep-last", "-1"], ["--keep-last", "x"]],
)
def test_terms_that_make_no_sense_are_refused(wrong, capsys):
    """Negative times and numbers are no terms, and neither are words."""
    with pytest.raises(SystemExit):
        main(["reuse", "gc", *wrong])
    assert f"argument {wrong[0]}: {wrong[1]} is not a" in capsys.readouterr().err


def test_databases_hold_no_garbage(leftover, capsys):
    """A datastore that is a database is not looked into; nothing is connected."""
    with open_services(WorkspaceRef("ml")) as services:
        settings = {"kind": "postgres", "server": "/nowhere", "database": "d", "user": "u"}
        services.registry.datastores.put("sales", type="AzurePostgreSql", settings=settings)

    assert gc() == 0
    assert f"workspaceblobstore:azureml/{leftover[1]}/o" in capsys.readouterr().out
