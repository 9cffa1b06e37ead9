"""What the parts of a run configuration share: a misspelt attribute is an error, as in v1."""

from __future__ import annotations

import copy
from typing import TypeVar

__all__ = ["ConfigElement"]

Element = TypeVar("Element", bound="ConfigElement")


class ConfigElement:
    """
    A bag of settings whose names are fixed by its constructor.

    Setting another name raises AttributeError: a typo would otherwise change nothing and nobody would know.
    """

    _is_sealed = False

    def __init__(self) -> None:
        self._is_sealed = True

    def __setattr__(self, name: str, value: object) -> None:
        if self._is_sealed and not hasattr(self, name):
            known = ", ".join(sorted(key for key in vars(self) if not key.startswith("_")))
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}; it has {known}")
        super().__setattr__(name, value)

    def _copied(self: Element) -> Element:
        return copy.deepcopy(self)

    def _values(self) -> dict[str, object]:
        return {
            name: value._values() if isinstance(value, ConfigElement) else value
            for name, value in vars(self).items()
            if name != "_is_sealed"
        }

    def __repr__(self) -> str:
        shown = ", ".join(f"{name.lstrip('_')}={value!r}" for name, value in vars(self).items() if name != "_is_sealed")
        return f"{type(self).__name__}({shown})"
