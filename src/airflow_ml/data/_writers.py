"""
Which steps write a piece of data: noted by the steps' constructors, resolved by `Pipeline`.

A step may be made by a function that returns its data alone, so the data must keep its steps alive, and a step its
data. A table beside them would keep both for ever, because its values hold its keys. So the note lies in a slot:
`vars(data)`, copies and pickles of it are what its maker made, whichever steps have been given it since.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Writers", "Written"]


class Writers:
    """
    The steps that write a piece of data.

    Attributes:
        declared: the last step made with the data among its outputs.
        implied: steps that name it in their arguments alone, in the order in which they were made.
    """

    __slots__ = ("declared", "implied")

    def __init__(self) -> None:
        self.declared: Any = None
        self.implied: list[Any] = []

    def implied_writers(self) -> list[Any]:
        """
        Return the steps that write the data if no step declares it (the article's `train_step`), newest last.

        The first step that named it writes it; a later one of the same name is that step again, from a notebook
        cell that was run again.
        """
        return [step for step in self.implied if step.name == self.implied[0].name]


class Written:
    """Parent of what steps write."""

    __slots__ = ("__dict__", "__weakref__", "_writers_note")

    _writers_note: Writers

    @property
    def _writers(self) -> Writers:
        """The steps that write the data."""
        try:
            return self._writers_note
        except AttributeError:
            self._writers_note = Writers()
            return self._writers_note

    def __getstate__(self) -> dict[str, object]:
        return self.__dict__
