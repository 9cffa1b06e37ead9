"""`airflow-ml check`."""

import json

import pytest

from airflow_ml.cli.main import main

_FINE = "from azureml.core import Workspace\nWorkspace.from_config().get_default_datastore()\n"


def test_it_says_what_works_what_differs_and_how(tmp_path, capsys):
    """A line a call, each difference once, a summary; the exit code is 0 where everything is there."""
    (tmp_path / "a.py").write_text(_FINE)

    assert main(["check", str(tmp_path)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("a.py:2  differs    Workspace.from_config() [1]")
    assert lines[1].endswith("a.py:2  works      Workspace.get_default_datastore()")
    assert any(line.startswith("[1] Workspace") for line in lines)
    assert lines[-1] == "1 file, 2 uses of v1: 1 work, 1 differ, 0 are not there"


def test_what_is_not_there_fails(tmp_path, capsys):
    """The exit code is 1, for a pipeline of checks."""
    (tmp_path / "a.py").write_text(f"{_FINE}Workspace.setup()\n")

    assert main(["check", str(tmp_path), "--problems"]) == 1

    shown = capsys.readouterr().out
    assert "not there  Workspace.setup(): " in shown
    assert "get_default_datastore" not in shown.partition("How they differ")[0]


def test_json_has_everything(tmp_path, capsys):
    """--json gives places, verdicts, sentences and rows."""
    (tmp_path / "a.py").write_text(f"{_FINE}Workspace.setup()\n")

    main(["check", str(tmp_path), "--json"])

    document = json.loads(capsys.readouterr().out)
    assert document["counts"] == {"works": 1, "differs": 1, "not there": 1, "unreadable": 0}
    assert document["findings"][0]["difference"]["page"] == "docs/compatibility.md"
    assert document["findings"][2]["instead"].startswith("use Workspace.create")


@pytest.mark.parametrize("text", ["", "print('nothing of v1')\n"])
def test_code_without_v1_is_fine(tmp_path, capsys, text):
    """Nothing found is no failure."""
    (tmp_path / "a.py").write_text(text)

    assert main(["check", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 file: no call of the Azure ML SDK v1\n"
