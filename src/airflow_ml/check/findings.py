"""What is found out about one place of the code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from airflow_ml.check.sources import Place

if TYPE_CHECKING:
    from airflow_ml.check.differences import Difference
    from airflow_ml.graph import Json

__all__ = ["Finding", "State"]

State = Literal["works", "differs", "not there", "unreadable"]


@dataclass(frozen=True)
class Finding:
    """
    A use of a v1 name, or a piece of code that cannot be read.

    Attributes:
        what: the call as v1's documentation writes it, `Workspace.create(...)`.
        text: what is wrong or different; empty if it works, or if `difference` says everything.
        instead: what to do; empty if nothing need be done.
        difference: the row of docs/compatibility.md.
    """

    place: Place
    what: str
    state: State
    text: str = ""
    instead: str = ""
    difference: Difference | None = None

    def to_data(self) -> dict[str, Json]:
        """Return the finding as JSON."""
        document: dict[str, Json] = {**self.place.to_data(), "what": self.what, "state": self.state}
        if self.text:
            document["text"] = self.text
        if self.instead:
            document["instead"] = self.instead
        if self.difference is not None:
            document["difference"] = self.difference.to_data()
        return document
