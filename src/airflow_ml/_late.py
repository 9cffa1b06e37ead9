"""
Modules that are imported at their first use.

DAG files import the public face on every parse, so the face must not pull in the database, storage or Airflow with
it. `late` gives a stand-in that imports the real module when an attribute is first asked for. Downward uses pair it
with an import under `TYPE_CHECKING`, so that type checkers and import-linter see the dependency; the few upward calls
(face to translation) are all in `airflow_ml.pipeline._engine`. The step library has this module too, so that a script
that only logs starts fast: standard library alone, Python 3.8.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any
else:
    ModuleType = type(sys)

__all__ = ["late", "load"]


class _LateModule(ModuleType):
    def __getattr__(self, name: str) -> Any:
        value = getattr(load(self.__name__), name)
        setattr(self, name, value)
        return value


def late(name: str) -> Any:
    """
    Return a stand-in for the module of that dotted name.

    Attributes are kept after their first use; a misspelt one raises AttributeError then, and a module that is not
    there raises ImportError then.
    """
    return _LateModule(name)


def load(name: str) -> ModuleType:
    """Import a module by dotted name; importlib does the same for half a millisecond more."""
    __import__(name)
    return sys.modules[name]
