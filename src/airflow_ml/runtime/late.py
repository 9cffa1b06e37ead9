"""Modules of the step library that are imported at their first use, so that a script that only logs stays fast."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

__all__ = ["Late", "load"]


def load(name: str) -> ModuleType:
    """Import a module by dotted name; importlib does the same for half a millisecond more."""
    __import__(name)
    return sys.modules[name]


class Late:
    """Stands in for the module of that dotted name; importers pair it with an import for type checkers."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        value = getattr(load(self._name), attribute)
        setattr(self, attribute, value)
        return value
