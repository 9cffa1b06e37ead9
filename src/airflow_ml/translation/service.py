"""The Airflow service of this machine: `airflow standalone` in the background."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_ml.graph import Graph
    from airflow_ml.registry import RunRecord

__all__ = ["RunningService", "find_running"]


@dataclass(frozen=True)
class RunningService:
    """A service that answers."""

    url: str

    def start(self, graph: Graph, run: RunRecord) -> None:
        """Give the service the recorded run to run."""


def find_running() -> RunningService | None:
    """Return the running service of this machine, or None."""
    return None
