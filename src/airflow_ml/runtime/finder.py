"""Makes the modules of `azureml` and `airflow_ml` inside a step out of the tables in `surface.py`."""

from __future__ import annotations

import sys

from airflow_ml._late import load
from airflow_ml.runtime import surface

TYPE_CHECKING = False
if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

__all__ = ["install"]

#: Parts of v1 that a real SDK in the step's environment does not replace: their classes belong together.
_OURS = frozenset({"core", "data", "exceptions", "pipeline"})
#: Parts of airflow_ml that are files of the step library.
_FILES = frozenset({"_late", "_version", "compat", "exceptions", "runtime"})

#: importlib.machinery has the same class, and importing it costs a script's start.
_Spec: Any = type(sys.__spec__)


class _Finder:
    """
    Finds modules of the two trees.

    Args:
        is_last: asked after all others: then also for what nobody has, to say so, and for the parts of v1 that an
            installed SDK may bring.
    """

    def __init__(self, *, is_last: bool) -> None:
        self._is_last = is_last

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """
        Return how to make a module, or None for those of others.

        Raises:
            ModuleNotFoundError: nobody has it, or the module above has no such name.
        """
        tree, _, below = fullname.partition(".")
        part = below.partition(".")[0]
        if tree not in ("azureml", "airflow_ml") or not below or (tree == "airflow_ml" and part in _FILES):
            return None
        if not self._is_last and part not in _OURS:
            return None
        if below in surface.MODULES or below == "exceptions":
            spec: ModuleSpec = _Spec(fullname, self, is_package=True)
            return spec
        if not self._is_last:
            return None
        above, _, name = fullname.rpartition(".")
        is_name = above.partition(".")[2] in surface.MODULES
        # No `name=`: the import system would take it for "there is no such module" and forget the sentence.
        raise ModuleNotFoundError(surface.missing_name(above, name) if is_name else surface.missing_module(fullname))

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the import system."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its names; each is looked up when it is first used."""
        name = module.__name__
        if name == "azureml.exceptions":
            # The import system takes what lies in sys.modules afterwards, so both trees have one set of errors.
            sys.modules[name] = load("airflow_ml.exceptions")
            return

        def find(attribute: str) -> Any:
            if attribute.startswith("__") and attribute != "__version__":
                raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
            value = surface.lookup(name, attribute)
            setattr(module, attribute, value)
            return value

        module.__doc__ = f"What of {name} a script finds inside a step."
        module.__dict__.update(__getattr__=find, __all__=surface.names_of(name))


def install() -> None:
    """Make the trees importable; doing it twice is doing it once."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        first: Any = _Finder(is_last=False)
        last: Any = _Finder(is_last=True)
        sys.meta_path.insert(0, first)
        sys.meta_path.append(last)
