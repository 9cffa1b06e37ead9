"""The face as a type checker and an editor see it."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FACE = ROOT / "src" / "airflow_ml"
#: Packages whose names are imported at their first use.
LAZY = [path for path in sorted(FACE.rglob("__init__.py")) if "lazy_exports(" in path.read_text(encoding="utf-8")]


def test_v1s_code_type_checks_and_wrong_calls_do_not() -> None:
    """mypy, strict, finds nothing in code as v1's documentation has it, and something in each wrong call."""
    command = [sys.executable, "-m", "mypy", "tests/typing/cases"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", LAZY, ids=lambda path: str(path.relative_to(FACE).parent))
def test_editors_see_what_the_package_gives(path: Path) -> None:
    """The imports under TYPE_CHECKING, `__all__` and the table of modules name the same things in the same places."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ".".join(["airflow_ml", *path.relative_to(FACE).parent.parts])
    module = importlib.import_module(package)
    seen = _imported_for_checkers(tree)

    assert set(seen) == _table(tree)
    assert set(seen) == set(module.__all__) - _own(tree)
    for name, place in seen.items():
        assert getattr(module, name) is getattr(importlib.import_module(place), name), name


def test_package_says_that_it_is_typed() -> None:
    """Type checkers look for the marker before they believe annotations."""
    assert (FACE / "py.typed").is_file()
    assert '"airflow_ml": ["py.typed"]' in (ROOT / "setup.py").read_text(encoding="utf-8")


def _imported_for_checkers(tree: ast.Module) -> dict[str, str]:
    """Return the names that `if TYPE_CHECKING:` imports from our own modules, with the module of each."""
    blocks = [node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"]
    imports = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {
        alias.asname or alias.name: node.module or ""
        for node in imports
        if (node.module or "").startswith("airflow_ml.")
        for alias in node.names
    }


def _table(tree: ast.Module) -> set[str]:
    """Return the names of the table that is handed to `lazy_exports`."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    given = next(call.args[1] for call in calls if ast.unparse(call.func) == "lazy_exports")
    return set(ast.literal_eval(given))


def _own(tree: ast.Module) -> set[str]:
    """Return the names that the package itself makes or imports at once."""
    made = {ast.unparse(target) for node in tree.body if isinstance(node, ast.Assign) for target in node.targets}
    imported = {alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    return made | imported
