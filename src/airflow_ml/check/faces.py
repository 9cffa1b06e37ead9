"""
What there is of v1: the modules of the face, and those that the scripts of steps find.

Both are asked for by v1's names below `azureml`. A script that runs as a step finds another library there than the code
that builds the pipeline (`airflow_ml.runtime.surface`).
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from types import ModuleType

from airflow_ml.compat._missing import missing_sentence
from airflow_ml.compat._places import BELOW_MODULES, FACE, PACKAGES, PLACES
from airflow_ml.runtime import surface

__all__ = ["Missing", "classes_of_face", "find_module", "find_name", "own_name"]

_REAL = "airflow_ml"
_ALIASES = ("azureml", _REAL)


class Missing(Exception):
    """A module or name of v1 that is not there; the text is what its import says."""


def own_name(dotted: str) -> str | None:
    """Return the name below `azureml` of a module that a script imports, None for other people's modules."""
    top, _, rest = dotted.partition(".")
    if top == "azureml" or (top == _REAL and (not rest or rest.partition(".")[0] in FACE)):
        return rest
    return None


@cache
def find_module(name: str) -> ModuleType | None:
    """
    Return the module of that name below `azureml`; None for packages that hold nothing by themselves.

    Raises:
        Missing: there is none.
    """
    if not name or name in PACKAGES:
        return None
    if name in PLACES:
        return importlib.import_module(PLACES[name])
    parent, _, last = name.rpartition(".")
    if last in BELOW_MODULES.get(parent, ()):
        return find_module(parent)
    if name.partition(".")[0] in FACE:
        try:
            return importlib.import_module(f"{_REAL}.{name}")
        except ModuleNotFoundError:
            pass
    raise Missing(missing_sentence(f"azureml.{name}", ()))


def find_name(module: str, name: str, *, is_step: bool = False) -> object:
    """
    Return what a module of v1 has under a name, submodules included.

    Args:
        is_step: for a script that runs as a step.

    Raises:
        Missing: nothing.
    """
    if is_step and module in surface.MODULES:
        try:
            return surface.lookup(f"azureml.{module}", name)
        except (AttributeError, ImportError):  # no such name, or a module below, of which the face has one as well
            pass
    found = find_module(module)
    if found is not None and hasattr(found, name):
        return getattr(found, name)
    below = f"{module}.{name}" if module else name
    try:
        return find_module(below)
    except Missing:
        raise Missing(missing_sentence(f"azureml.{below}", dir(found) if found else ())) from None


@cache
def classes_of_face() -> dict[str, type]:
    """Return the public classes of the face by name, with all modules of the face imported."""
    found: dict[str, type] = {}
    for top in sorted(FACE):
        module = importlib.import_module(f"{_REAL}.{top}")
        _take_classes(module, found)
        for info in pkgutil.walk_packages(getattr(module, "__path__", ()), f"{module.__name__}."):
            below = importlib.import_module(info.name)
            if not info.name.rpartition(".")[2].startswith("_"):
                _take_classes(below, found)
    return found


def _take_classes(module: ModuleType, found: dict[str, type]) -> None:
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name, None)
        if isinstance(value, type):
            found.setdefault(name, value)
