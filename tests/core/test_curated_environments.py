"""Curated environments that a team has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_ml.core import Environment, Workspace
from airflow_ml.exceptions import NotSupportedError, UserErrorException

FILE = """
AzureML-Tutorial: {pip: [pandas==2.2.3], conda: [numpy=1.26], python: "3.11", variables: {A: 1}}
AzureML-PyTorch-*: {image: "registry.example.org/torch:2.4", pip: [pandas]}
AzureML-AutoML*: null
AzureML-Odd: {packages: [x]}
"""


@pytest.fixture
def get(home: Path):
    """Get a curated environment by name, with the team's file in the home."""
    (home / "curated_environments.yml").write_text(FILE)
    return lambda name: Environment.get(Workspace("s", "g", "nowhere"), name)


def test_a_name_stands_for_what_the_file_says(get) -> None:
    """Packages, Python and variables are the file's; other names keep what is built in."""
    tutorial, minimal = get("azureml-tutorial"), get("AzureML-Minimal")

    assert "numpy=1.26" in list(tutorial.python.conda_dependencies.conda_packages)
    assert tutorial.python.conda_dependencies.pip_packages == ["pandas==2.2.3"]
    assert "python=3.11" in tutorial.python.conda_dependencies.as_dict()["dependencies"]
    assert tutorial.environment_variables == {"A": "1"}
    assert minimal.python.conda_dependencies.as_dict()["dependencies"] == []


def test_patterns_and_images(get) -> None:
    """A star stands for versions; an image is the definition's base image."""
    assert get("AzureML-PyTorch-1.6-GPU").docker.base_image == "registry.example.org/torch:2.4"


def test_switched_off_and_wrong_entries(get) -> None:
    """What a team does not want is an error, as is what cannot be read."""
    with pytest.raises(NotSupportedError, match="switched off"):
        get("AzureML-AutoML-GPU")
    with pytest.raises(UserErrorException, match=r"'AzureML-Odd' is .*expected null"):
        get("AzureML-Odd")


def test_the_file_may_lie_elsewhere(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable names the file; one that is not there is an error."""
    monkeypatch.setenv("AIRFLOW_ML_CURATED_ENVIRONMENTS", str(tmp_path / "mine.json"))
    (tmp_path / "mine.json").write_text('{"AzureML-Minimal": {"pip": ["tqdm"]}}')

    made = Environment.get(Workspace("s", "g", "nowhere"), "AzureML-Minimal")

    assert made.python.conda_dependencies.pip_packages == ["tqdm"]
    (tmp_path / "mine.json").unlink()
    with pytest.raises(UserErrorException, match=r"mine\.json' cannot be read"):
        Environment.get(Workspace("s", "g", "nowhere"), "AzureML-Minimal")
