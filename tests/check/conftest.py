"""Code that is checked, as a file or a notebook."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.check import Finding, check_paths

#: Checks the text of a script, and returns what was found.
Check = Callable[[str], list[Finding]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return what checks the text of a script."""

    def check_text(text: str) -> list[Finding]:
        (tmp_path / "script.py").write_text(text, encoding="utf-8")
        return list(check_paths([str(tmp_path / "script.py")]).findings)

    return check_text


@pytest.fixture
def check_cells(tmp_path: Path) -> Callable[..., list[Finding]]:
    """Return what checks a notebook with such cells."""

    def check_notebook(*cells: str) -> list[Finding]:
        code = [{"cell_type": "code", "source": cell.splitlines(keepends=True), "outputs": []} for cell in cells]
        notebook = {"cells": [{"cell_type": "markdown", "source": "# A notebook"}, *code], "nbformat": 4}
        (tmp_path / "notebook.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        return list(check_paths([str(tmp_path / "notebook.ipynb")]).findings)

    return check_notebook
