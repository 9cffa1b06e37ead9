"""
What modules of the import path need of `typing` when they run, where importing it would cost too much.

They import the same names from `typing` under `TYPE_CHECKING`, so checkers see the real ones.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    _Value = TypeVar("_Value")

__all__ = ["Protocol", "cast"]

#: A protocol is an empty base when the code runs; nobody asks whether an object fulfils one.
Protocol = object


def cast(_kind: object, value: _Value) -> _Value:
    """Return the value as it is; the kind is for type checkers."""
    return value
