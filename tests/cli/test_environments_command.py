"""`airflow-ml environments`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airflow_ml.cli.main import main
from airflow_ml.compute.built_folders import BuiltFolder


def _make(folder: Path, _lock: int) -> dict[str, object]:
    folder.mkdir()
    return {"kind": "virtual environment", "python": "3.11.7", "packages": ["tiny"]}


@pytest.fixture
def built(home: Path) -> str:
    """Something that was built on this machine."""
    hold, _ = BuiltFolder(home / "environments", "0123456789abcdef", where="a test").hold(_make)
    hold.close()
    return "0123456789abcdef"


def test_list(built: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What was built is listed with what it holds."""
    assert main(["environments", "list"]) == 0

    out = capsys.readouterr().out
    assert "0123456789ab  virtual environment" in out
    assert "tiny" in out
    assert "1 built" in out


def test_prune(built: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A dry run removes nothing, a round removes what is out of bounds."""
    for options, left in ((["--dry-run"], 1), ([], 0)):
        assert main(["environments", "prune", "--older-than", "0", "--json", *options]) == 0
        assert [item["digest"] for item in json.loads(capsys.readouterr().out)["removed"]] == [built]
        assert main(["environments", "list", "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)["environments"]) == left
