"""The README's Python runs as it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.airflow

README = Path(__file__).parents[1] / "README.md"

#: Loads a file as Airflow does: as a module whose name has this prefix.
PARSE = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("unusual_prefix_1_readme", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print(module.dag.dag_id, *sorted(module.dag.task_ids))
"""


@pytest.fixture(scope="module")
def blocks() -> list[str]:
    """Return the README's blocks of Python."""
    return re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


def run_python(*arguments: str, folder: Path) -> str:
    """Run this interpreter in a folder, with a home and an Airflow below it, and return what it prints."""
    env = os.environ | {"AIRFLOW_ML_HOME": str(folder / "home"), "AIRFLOW_HOME": str(folder / "airflow")}
    done = subprocess.run([sys.executable, *arguments], cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def test_the_first_example_runs_and_prints_what_its_comment_says(blocks, tmp_path):
    """The example at the top is a script that works in an empty folder, with nothing configured."""
    (tmp_path / "example.py").write_text(blocks[0], encoding="utf-8")

    shown = run_python("example.py", folder=tmp_path)

    assert shown.splitlines()[-1] == blocks[0].splitlines()[-1].partition("# ")[2]


def test_the_dag_file_is_a_dag(blocks, tmp_path):
    """The example for Airflow's DAG folder gives a DAG with the step between the pipeline's first and last task."""
    (tmp_path / "training.py").write_text(blocks[1], encoding="utf-8")
    (tmp_path / "train.py").touch()

    assert run_python("-c", PARSE, "training.py", folder=tmp_path).split() == [
        "training",
        "pipeline_end",
        "reuse_check",
        "train",
    ]


def test_every_block_of_python_is_tested_here(blocks):
    """A new example in the README needs a test of its own."""
    assert len(blocks) == 2


def test_every_link_leads_to_a_file():
    """Links in the README that are not addresses name files of the repository."""
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README.read_text(encoding="utf-8"))

    assert links
    assert [link for link in links if not (README.parent / link).exists()] == []
