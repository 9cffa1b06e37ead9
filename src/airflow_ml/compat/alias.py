"""
The import hook behind the alias `azureml`.

`azureml` becomes a package whose face is ours: `azureml.core` *is* the module `airflow_ml.core`, so that both names
mean the same objects, whatever is imported first. Parts of `azureml` that other distributions bring and we have not
(`azureml.dataprep`, `azureml.contrib.fairness`) are found where they lie. What is nowhere raises ModuleNotFoundError or
ImportError with a sentence (`_missing`).

Whether the real SDK is installed is looked at when `azureml` is first imported, because a start-up file runs before
`sys.path` is complete. This module is imported by every process of a user who sets AIRFLOW_ML_COMPAT, so it imports
next to nothing.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder

from airflow_ml._late import late
from airflow_ml.compat._missing import explain_names, missing_module
from airflow_ml.compat._places import BELOW_MODULES, FACE, PACKAGES, PLACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader
    from types import ModuleType

    from airflow_ml import exceptions
else:
    exceptions = late("airflow_ml.exceptions")
    Loader = object  # importlib.abc costs more than all of this module

__all__ = ["enable"]

_ALIAS = "azureml"
_REAL = "airflow_ml"
#: Where other distributions may add parts beside ours.
_SHARED = "contrib"


class _Nothing(Loader):
    """
    Makes a package without a file: the top of the alias, or one of v1's private packages.

    The path of the top is where other distributions have their parts.
    """

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:  # noqa: ARG002 - the protocol's signature
        return None

    def exec_module(self, module: ModuleType) -> None:
        explain_names(module, module.__name__)


class _SameModule(Loader):
    """Puts the module of airflow_ml under its other name."""

    def __init__(self, real: str) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:  # noqa: ARG002 - the protocol's signature
        return None

    def exec_module(self, module: ModuleType) -> None:
        __import__(self._real)
        # The import system takes what lies in sys.modules afterwards, so both names mean one object.
        same = sys.modules[module.__name__] = sys.modules[self._real]
        # Nothing can be looked for below what is no package; what lies here already is taken without looking.
        for below in BELOW_MODULES.get(module.__name__.partition(".")[2], ()):
            sys.modules[f"{module.__name__}.{below}"] = vars(same)[below] = same
        explain_names(same, module.__name__)


class _AliasFinder:
    """Finds `azureml` and what is below it."""

    def __init__(self, *, is_forced: bool) -> None:
        self.is_forced = is_forced

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,  # noqa: ARG002 - the protocol's signature
    ) -> ModuleSpec | None:
        if fullname == _ALIAS:
            return self._find_top()
        alias, _, rest = fullname.partition(".")
        if alias != _ALIAS:
            return None
        if rest.partition(".")[0] in FACE:
            return _find_ours(fullname, rest, path)
        if rest in PLACES:
            return ModuleSpec(fullname, _SameModule(PLACES[rest]), origin="airflow-ml")
        if rest in PACKAGES:
            return ModuleSpec(fullname, _Nothing(), origin="airflow-ml", is_package=True)
        # Below a part of another distribution, what is missing is that distribution's matter.
        is_theirs = "." in rest and rest.rpartition(".")[0] not in PACKAGES
        if is_theirs or PathFinder.find_spec(fullname, path) is not None:
            return None
        missing_module(fullname)
        return None

    def _find_top(self) -> ModuleSpec | None:
        real = None if self.is_forced else _real_sdk()
        if real is not None:
            sys.meta_path.remove(self)
            _warn(real)
            return None
        spec = ModuleSpec(_ALIAS, _Nothing(), origin="airflow-ml", is_package=True)
        spec.submodule_search_locations = _folders()
        return spec


def _find_ours(fullname: str, rest: str, path: Sequence[str] | None) -> ModuleSpec | None:
    parent = sys.modules[fullname.rpartition(".")[0]]
    if parent.__name__ == _ALIAS:
        path = sys.modules[_REAL].__path__
    elif not parent.__name__.startswith(_REAL):
        return None  # a package of another distribution, below `contrib`
    real = f"{_REAL}.{rest}"
    ours = PathFinder.find_spec(real, path)
    if ours is not None:
        return ModuleSpec(fullname, _SameModule(real), origin=ours.origin)
    if rest.startswith(f"{_SHARED}."):
        folder = os.path.join(*rest.split(".")[:-1])
        found = PathFinder.find_spec(fullname, [os.path.join(top, folder) for top in _folders()])
        if found is not None:
            return found
    missing_module(fullname)
    return None


def enable(*, force: bool = False) -> bool:
    """
    Make `azureml` another name of airflow-ml's face; doing it twice is doing it once.

    Args:
        force: also if the real Azure ML SDK is installed; `AIRFLOW_ML_COMPAT=force` in the environment is the same.

    Returns:
        False if the real SDK is installed and keeps its name; its first import says so in a warning.

    Raises:
        UserErrorException: the real SDK is already imported and shall be shadowed.
    """
    is_forced = force or os.environ.get("AIRFLOW_ML_COMPAT") == "force"
    if is_forced:
        _check_not_imported()
    for finder in sys.meta_path:
        if isinstance(finder, _AliasFinder):
            finder.is_forced = finder.is_forced or is_forced
            break
    else:
        # First, because the real SDK would be found on the path before us.
        sys.meta_path.insert(0, _AliasFinder(is_forced=is_forced))
    return is_forced or _real_sdk() is None


def _check_not_imported() -> None:
    for name, module in list(sys.modules.items()):
        alias, _, rest = name.partition(".")
        is_face = alias == _ALIAS and rest.partition(".")[0] in FACE - {_SHARED}
        if is_face and not module.__name__.startswith(_REAL):
            raise exceptions.UserErrorException(
                f"compat: {name!r} of the real Azure ML SDK is imported; enable the alias before the first import of "
                "azureml"
            )


def _folders() -> list[str]:
    """Return the folders where other distributions have parts of `azureml`."""
    places = (os.path.join(entry or os.curdir, _ALIAS) for entry in sys.path)
    return [place for place in places if os.path.isdir(place)]


def _real_sdk() -> str | None:
    """Return the folder of the real SDK; looked for as a file, because importing its top would be the first import."""
    for folder in _folders():
        if os.path.isfile(os.path.join(folder, "core", "__init__.py")):
            return folder
    return None


def _warn(real: str) -> None:
    import warnings

    warnings.warn(
        f"airflow_ml.compat: the real Azure ML SDK in {real!r} stays `azureml`; set AIRFLOW_ML_COMPAT=force to use "
        "airflow-ml under that name",
        stacklevel=4,
    )
