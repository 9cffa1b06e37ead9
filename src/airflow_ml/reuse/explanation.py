"""
Why a step has to run: what differs from the most similar earlier run of it, in short sentences.

Two lists of records are compared, the step's own and those that are stored with an earlier result. Where the records
name something that can be opened (snapshots, lists of files, manifests), the sentences go down to files. What is not
there any more makes a sentence shorter, never an error: an explanation must not keep a step from running.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_ml.graph import Graph, Step
    from airflow_ml.reuse.model import Fingerprint, ReuseContext

__all__ = ["Explanation", "explain"]


@dataclass(frozen=True)
class Explanation:
    """
    What differs from an earlier run.

    Attributes:
        sentences: without a full stop, for people; at least one.
        compared_run_id: the run that was compared with; None where there is no earlier result.
    """

    sentences: tuple[str, ...]
    compared_run_id: str | None = None
    compared_at: datetime | None = None


def explain(context: ReuseContext, step: Step, graph: Graph, fingerprint: Fingerprint) -> Explanation:
    """Return why no result of this fingerprint is there: what changed since the most similar earlier run."""
    return Explanation(("no earlier result of this step",))
