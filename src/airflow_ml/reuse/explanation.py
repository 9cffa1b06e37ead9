"""
Why a step has to run: what differs from the most similar earlier run of it, in short sentences.

Two lists of records are compared, the step's own and those that are stored with an earlier result. Where the records
name something that can be opened (snapshots, lists of files, manifests), the sentences go down to files. What is not
there any more makes a sentence shorter, never an error: an explanation must not keep a step from running.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_ml.reuse.difference_texts import difference_sentences
from airflow_ml.reuse.differences import Comparison, read_records
from airflow_ml.reuse.similarity import most_similar

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_ml.graph import Graph, Step
    from airflow_ml.registry.reuse_records import ResultRecord
    from airflow_ml.reuse.model import Fingerprint, Record, ReuseContext

__all__ = ["Explanation", "explain", "explain_result"]


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


_NOTHING = Explanation(("no earlier result of this step",))


def explain(context: ReuseContext, step: Step, graph: Graph, fingerprint: Fingerprint) -> Explanation:
    """Return why no result of this fingerprint can be taken: what changed since the most similar earlier run."""
    earlier = most_similar(context.registry, fingerprint.records, step_name=step.name, pipeline_name=graph.name)
    if earlier is None:
        return _NOTHING
    return _compared(context, earlier, fingerprint.records, (step, graph))


def explain_result(context: ReuseContext, result: ResultRecord) -> Explanation:
    """Return by what a result differs from the most similar one before it."""
    records = read_records(result.records)
    earlier = most_similar(
        context.registry, records, step_name=result.step_name, pipeline_name=result.pipeline_name, before=result.run_id
    )
    return _NOTHING if earlier is None else _compared(context, earlier, records, None)


def _compared(
    context: ReuseContext, earlier: ResultRecord, records: Sequence[Record], place: tuple[Step, Graph] | None
) -> Explanation:
    comparison = Comparison(context, read_records(earlier.records), records, place)
    sentences = difference_sentences(comparison) or [_why_not_taken(earlier)]
    return Explanation(tuple(sentences), earlier.run_id, earlier.recorded_at)


def _why_not_taken(earlier: ResultRecord) -> str:
    """Say why a result with equal records is not taken."""
    if earlier.invalidated_at is not None:
        return f"the result of run {earlier.run_id} was invalidated: {earlier.invalidation}"
    return f"nothing changed since run {earlier.run_id}"
