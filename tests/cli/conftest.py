"""A home, a current folder with code in it, and a workspace."""

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.core import Workspace

#: How a script begins that builds a pipeline.
_PIPELINE = """
from airflow_ml.core import Experiment, Workspace
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from airflow_ml.pipeline.steps import PythonScriptStep

workspace = Workspace.get("ml")
rate = PipelineParameter("rate", 0.1)
table = PipelineData("table")
prepare = PythonScriptStep("run.py", "prepare", ["--out", table], outputs=[table], source_directory="src")
train = PythonScriptStep("run.py", "train", ["--in", table, "--rate", rate], inputs=[table], source_directory="src")
pipeline = Pipeline(workspace, [train])
"""

#: Writes a file below the current folder and returns its path.
Write = Callable[[str, str], Path]


@pytest.fixture
def folder(home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a current folder that holds `src/run.py`, outside of the home, and the workspace `ml`."""
    folder = tmp_path_factory.mktemp("code")
    (folder / "src").mkdir()
    (folder / "src" / "run.py").write_text("print('hello')\n")
    monkeypatch.chdir(folder)
    Workspace.create("ml", show_output=False)
    return folder


@pytest.fixture
def write(folder: Path) -> Write:
    """Return what writes a file into the current folder."""

    def write_text(name: str, text: str) -> Path:
        (folder / name).write_text(text)
        return folder / name

    return write_text


@pytest.fixture
def script(write: Write) -> Write:
    """Return what writes a file that builds a pipeline of two steps, and goes on with the text."""
    return lambda name, text: write(name, _PIPELINE + text)
