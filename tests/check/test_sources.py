"""Scripts, notebooks and folders, and what is no Python in them."""

import json

import pytest

from airflow_ml.check import check_paths
from airflow_ml.exceptions import UserErrorException

_CALL = "from azureml.core import Workspace\nWorkspace.from_config()\n"


def test_cells_are_one_program(check_cells):
    """What a cell imports the next one knows; the place is the cell and its line."""
    (found,) = check_cells("from azureml.core import Workspace", "\nWorkspace.from_config()")

    assert str(found.place).endswith("notebook.ipynb[3]:2")


@pytest.mark.parametrize(
    "line",
    ["%matplotlib inline", "!pip install x", "!pip install \\\n  x", "files = !ls", "x = %who", "Workspace?", "%time"],
)
def test_magics_are_left_out(check_cells, line):
    """Lines that IPython alone understands keep nothing from being read, and no line number from being right."""
    (found,) = check_cells(
        f"from azureml.core import Workspace\n{line}\nif True:\n    %time\n    Workspace.from_config()"
    )

    assert (found.state, found.place.line) == ("differs", 5 + line.count("\n"))


def test_cells_of_other_languages_are_left_out(check_cells):
    """A cell of bash is none of ours; one that is only timed is."""
    found = check_cells("%%bash\nls ((", f"%%time\n{_CALL}", "%%html\n<b>")

    assert [finding.what for finding in found] == ["Workspace.from_config()"]
    assert found[0].place.line == 3


def test_scripts_that_cells_write_are_read_by_themselves(check_cells):
    """`%%writefile train.py` is a step's script, which finds another library than the notebook."""
    found = check_cells(
        "%%writefile train.py\nfrom azureml.core import Run\nrun = Run.get_context()\nrun.get_environment()"
    )

    assert [(finding.what, finding.state, finding.place.line) for finding in found] == [
        ("Run.get_context()", "works", 3),
        ("Run.get_environment(...)", "not there", 4),
    ]


def test_a_cell_that_is_no_python_is_said(check_cells):
    """A cell that cannot be read is reported, and the others are read all the same."""
    found = check_cells("print 'two'", _CALL)

    assert [finding.state for finding in found] == ["unreadable", "differs"]


@pytest.mark.parametrize("text", ["def f(:", "print 'two'", "x = 'a\n", "\x00"])
def test_syntax_errors_are_reported(check, text):
    """A file that is no Python 3 is one finding with its line."""
    (found,) = check(text)

    assert found.state == "unreadable"


def test_broken_notebooks_are_reported(tmp_path):
    """A notebook that is no JSON, and one of another shape, are findings and no errors."""
    (tmp_path / "a.ipynb").write_text("{")
    (tmp_path / "b.ipynb").write_text("[]")

    report = check_paths([str(tmp_path)])

    assert [finding.state for finding in report.findings] == ["unreadable", "unreadable"]
    assert not report.is_movable


def test_old_notebooks_are_read(tmp_path):
    """The layout of version 3 keeps its cells in worksheets."""
    old = {"worksheets": [{"cells": [{"cell_type": "code", "input": _CALL}]}], "nbformat": 3}
    (tmp_path / "old.ipynb").write_text(json.dumps(old))

    assert [finding.what for finding in check_paths([str(tmp_path)]).findings] == ["Workspace.from_config()"]


def test_declared_encodings_are_read(tmp_path):
    """A script in another encoding is read as it says."""
    (tmp_path / "a.py").write_bytes(f"# coding: latin-1\n# gr\xfc\xdfe\n{_CALL}".encode("latin-1"))

    assert len(check_paths([str(tmp_path)]).findings) == 1


def test_folders_are_searched(tmp_path):
    """A folder means its scripts and notebooks; hidden folders and installed packages are nobody's own code."""
    for name in ("a.py", "b/c.py", ".venv/d.py", "b/site-packages/e.py", "f.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(_CALL)

    assert check_paths([str(tmp_path), str(tmp_path / "a.py")]).files == 2


def test_a_path_that_is_not_there_is_an_error(tmp_path):
    """A misspelt path is no clean report."""
    with pytest.raises(UserErrorException, match="no file and no folder"):
        check_paths([str(tmp_path / "nothing")])
