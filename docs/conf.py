"""
The documentation site: Sphinx over the pages of this folder, with a reference from the docstrings.

`make docs` builds it into `build/docs`; a warning is an error there and in CI.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

project = "airflow-ml"
author = "the authors of airflow-ml"
release = (ROOT / "src" / "airflow_ml" / "_version.py").read_text(encoding="utf-8").split('"')[1]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["examples"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
# Links from a page to the repository's files (a DAG, the compose file) are right where the pages are read as files.
suppress_warnings = ["myst.xref_missing"]

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
autodoc_default_options = {"members": True, "show-inheritance": True}
# Our docstrings put names between single backticks.
default_role = "code"
napoleon_numpy_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True  # or an attribute that is a property as well would stand there twice

html_theme = "furo"
html_title = f"airflow-ml {release}"
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}


def tell_stars(_app: Sphinx, _what: str, _name: str, _of: object, _options: object, lines: list[str]) -> None:
    """Write `*args` in a docstring's prose for what it is; reStructuredText takes it for emphasis."""
    lines[:] = [line.replace(" *", r" \*") for line in lines]


#: Where each class and function of the face is documented; several modules of v1 give the same ones.
_places: dict[int, str] = {}


def tell_once(app: Sphinx, what: str, _name: str, member: object, _skips: bool, _options: object) -> bool | None:
    """Leave out what a module only passes on and another page of the reference has."""
    if what != "module" or not callable(member):
        return None
    here = f"{app.env.docname} {app.env.ref_context.get('py:module')}"
    return True if _places.setdefault(id(member), here) != here else None


def setup(app: Sphinx) -> None:
    """Take part in reading docstrings."""
    app.connect("autodoc-process-docstring", tell_stars)
    app.connect("autodoc-skip-member", tell_once)
