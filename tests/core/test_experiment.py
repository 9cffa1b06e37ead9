"""Experiments: finding, archiving and deleting them, and runs that a notebook drives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_ml.core import Experiment, Workspace
from airflow_ml.exceptions import SnapshotException, UserErrorException


@pytest.fixture
def experiment(workspace: Workspace) -> Experiment:
    """Return an experiment that is not recorded yet."""
    return Experiment(workspace, "digits")


def names(workspace: Workspace, **filters: object) -> list[str]:
    """Return the names of the experiments that a list shows."""
    return [found.name for found in Experiment.list(workspace, **filters)]


def test_experiments_are_listed_by_view_name_and_tags(workspace):
    """Archived ones are shown on demand; tags are compared by name, or by name and value."""
    for name in ("a", "b", "c"):
        Experiment(workspace, name).set_tags({"name": name, "all": ""})
    Experiment(workspace, "b").archive()

    assert names(workspace) == ["a", "c"]
    assert names(workspace, view_type="ArchivedOnly") == ["b"]
    assert names(workspace, view_type="All") == ["a", "b", "c"]
    assert names(workspace, experiment_name="c") == ["c"]
    assert names(workspace, tags={"name": "a"}) == ["a"]
    assert names(workspace, tags="all") == ["a", "c"]
    with pytest.raises(UserErrorException, match="view_type 'Some', expected one of ActiveOnly, ArchivedOnly, All"):
        names(workspace, view_type="Some")


def test_an_archived_experiment_takes_no_runs_until_it_is_reactivated(experiment):
    """Its old runs can still be read; it cannot get another name."""
    run = experiment.start_logging(snapshot_directory=None, outputs=False)
    experiment.archive()

    assert experiment.archived_time is not None
    assert [*experiment.get_runs()] == [run]
    with pytest.raises(UserErrorException, match=r"'digits': it was archived at .*reactivate\(\)"):
        experiment.start_logging(snapshot_directory=None, outputs=False)
    with pytest.raises(UserErrorException, match="new_name 'other', but experiments cannot be renamed"):
        experiment.reactivate("other")
    experiment.reactivate()
    assert experiment.archived_time is None
    experiment.start_logging(snapshot_directory=None, outputs=False)


def test_tags_change_and_go(experiment):
    """A tag without a value is an empty text; what `tags` gives is a copy."""
    experiment.tag("a")
    experiment.set_tags({"b": "1", "c": "2"})
    experiment.remove_tags(["b", "never"])
    experiment.tags["z"] = "not kept"
    experiment.refresh()

    assert experiment.tags == {"a": "", "c": "2"}


def test_an_experiment_is_deleted_while_it_has_no_runs(experiment, workspace):
    """By its id; with runs it can be archived only."""
    Experiment.delete(workspace, experiment.id)
    assert names(workspace) == []

    experiment.start_logging(snapshot_directory=None, outputs=False)
    with pytest.raises(UserErrorException, match="it has runs"):
        Experiment.delete(workspace, experiment.id)


@pytest.mark.parametrize("name", ["", "-a", ".a", "a/b", "a\nb", "x" * 256, None])
def test_names_that_v1_did_not_take_are_refused(workspace, name):
    """The error quotes the name and says which characters a name has."""
    with pytest.raises(UserErrorException, match="a name has 1 to 255 letters, digits"):
        Experiment(workspace, name)


def test_an_experiment_shows_itself(experiment, workspace):
    """v1's two facts in text and in notebooks, and a page."""
    assert repr(experiment) == "Experiment(Name: digits,\nWorkspace: ml)"
    assert "<td>digits</td>" in experiment._repr_html_()
    assert experiment.portal_url == experiment.get_portal_url() == "/airflow-ml/workspaces/ml/experiments/digits"
    assert experiment.identity == "Experiment#digits"
    assert experiment == Experiment(workspace, "digits")


def test_start_logging_takes_v1s_arguments(experiment, work):
    """Name and id by position; the current folder is the run's code; git and given facts are kept."""
    (work / "a.py").write_text("pass")

    run = experiment.start_logging("name", "my-id", display_name="shown", description="d", tags={"t": "1"})

    assert (run.id, run.name, run.display_name, run.description, run.tags) == (
        "my-id",
        "name",
        "shown",
        "d",
        {"t": "1"},
    )
    assert (run.status, run.number, run.get_details()["target"]) == ("Running", 1, "sdk")
    assert run.properties["ContentSnapshotId"] == run.get_snapshot_id()
    assert Path("outputs").is_dir()
    with pytest.raises(UserErrorException, match="'my-id'"):
        experiment.start_logging(run_id="my-id", snapshot_directory=None)
    with pytest.raises(TypeError, match="colour"):
        experiment.start_logging(colour="red")


def test_code_that_cannot_be_kept_leaves_no_run(experiment, work):
    """The error says how to do without code."""
    (work / "link").symlink_to("/nowhere")

    with pytest.raises(SnapshotException, match="pass snapshot_directory=None"):
        experiment.start_logging()

    assert [*experiment.get_runs()] == []


def test_an_attached_folder_names_its_experiment(workspace, work):
    """`.azureml/project.json` of v1 is read; without it the error says what to write."""
    workspace.write_config()
    with pytest.raises(UserErrorException, match=r"attached to no experiment.*Experiment\("):
        Experiment.from_directory(".")
    scope = (
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/ml/projects/digits"
    )
    (work / ".azureml" / "project.json").write_text(json.dumps({"Id": "x", "Scope": scope}))

    assert Experiment.from_directory(str(work)) == Experiment(workspace, "digits")
