"""`airflow-ml publish`."""

import json

from airflow_ml.cli.main import main
from airflow_ml.core import Workspace


def test_a_pipeline_of_a_script_is_published(script, capsys):
    """The pipeline that a file holds, with the name that the command line gives it."""
    script("one.py", "")

    assert main(["publish", "one.py", "--name", "weekly", "--version", "2", "--json"]) == 0

    record = Workspace.get("ml").registry().published_pipelines.get(json.loads(capsys.readouterr().out)["id"])
    assert (record.name, record.version) == ("weekly", "2")


def test_the_script_itself_is_not_submitted(script, capsys):
    """A script is left at its first submit; only what was asked for happens."""
    script("one.py", "Experiment(workspace, 'e').submit(pipeline)\n")

    assert main(["publish", "one.py"]) == 0

    registry = Workspace.get("ml").registry()
    assert registry.runs.list() == []
    assert [record.id for record in registry.published_pipelines.list()] == [capsys.readouterr().out.strip()]


def test_one_pipeline_is_published(script, capsys):
    """A file with several says which there are."""
    script("two.py", "other = Pipeline(workspace, [prepare])\n")

    assert main(["publish", "two.py"]) == 2
    assert "choose one by --pipeline" in capsys.readouterr().err
