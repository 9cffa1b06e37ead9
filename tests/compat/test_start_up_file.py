"""The file that gives the alias to any Python process, in both kinds of installs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_ml.runtime.library import build

ROOT = Path(__file__).resolve().parents[2]
NAME = "airflow_ml_compat.pth"


def run(code: str, site: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process that has read the start-up files of a folder, as Python does at its start."""
    start = f"import site; site.addsitedir({str(site)!r}); {code}"
    variables = {name: value for name, value in os.environ.items() if name != "AIRFLOW_ML_COMPAT"}
    command = [sys.executable, "-c", start]
    return subprocess.run(command, capture_output=True, text=True, env={**variables, **environment}, check=False)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Make a folder that has the file alone."""
    shutil.copy(ROOT / "src" / "airflow_ml" / "compat" / NAME, tmp_path)
    return tmp_path


def test_variable_gives_the_alias(site: Path) -> None:
    """`AIRFLOW_ML_COMPAT=1` is enough."""
    done = run("import azureml.core; print(azureml.core.__name__)", site, AIRFLOW_ML_COMPAT="1")

    assert done.stdout.strip() == "airflow_ml.core", done.stderr


@pytest.mark.parametrize("environment", [{}, {"AIRFLOW_ML_COMPAT": ""}, {"AIRFLOW_ML_COMPAT": "0"}])
def test_process_without_it_pays_nothing(site: Path, environment: dict[str, str]) -> None:
    """Nothing of airflow-ml is imported."""
    code = "import sys; print([name for name in sys.modules if name.startswith('airflow_ml')])"

    assert run(code, site, **environment).stdout.strip() == "[]"


def test_start_costs_little(site: Path) -> None:
    """With it, a process that never says azureml imports the hook alone, and nothing of the face."""
    code = "import sys; print(sorted(name for name in sys.modules if name.startswith('airflow_ml')))"

    done = run(code, site, AIRFLOW_ML_COMPAT="1")

    assert "airflow_ml.core" not in done.stdout
    assert "typing" not in run("import sys; print([*sys.modules])", site, AIRFLOW_ML_COMPAT="1").stdout.split("'")


def test_step_keeps_its_library(site: Path, tmp_path: Path) -> None:
    """Inside a step `azureml` is the step library, whatever the worker's environment says."""
    library = tmp_path / "library"
    build(library)

    code = "import sys, azureml.core; print(azureml.core.Run.__module__, sys.modules['airflow_ml'].__file__)"

    done = run(code, site, AIRFLOW_ML_COMPAT="1", PYTHONPATH=str(library))

    assert done.stdout.split() == ["airflow_ml.runtime.run", str(library / "airflow_ml" / "__init__.py")], done.stderr


@pytest.mark.network
def test_installs_bring_the_file(tmp_path: Path) -> None:
    """A wheel and an editable install give the alias to the environment's Python, and take it away with them."""
    project = tmp_path / "project"
    shutil.copytree(ROOT / "src", project / "src", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, project)
    python = tmp_path / "venv" / "bin" / "python"
    pip = [python, "-m", "pip", "--quiet"]
    say = "import azureml.core; print(azureml.core.__file__)"
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)

    for options, place in ([], "site-packages"), (["--editable"], "project"):
        subprocess.run([*pip, "install", "--no-deps", *options, project], check=True)
        done = subprocess.check_output([python, "-c", say], env={"AIRFLOW_ML_COMPAT": "1"}, cwd=tmp_path, text=True)
        subprocess.run([*pip, "uninstall", "--yes", "airflow-ml"], check=True)

        assert place in done
        assert [*tmp_path.glob(f"venv/lib/*/site-packages/{NAME}")] == []
