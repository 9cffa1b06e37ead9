"""
Why a step has to run: what differs from the most similar earlier run of it, in short sentences.

Two lists of records are compared, the step's own and those that are stored with an earlier result. Where the records
name something that can be opened (snapshots, lists of files, manifests), the sentences go down to files. What is not
there any more makes a sentence shorter, never an error: an explanation must not keep a step from running.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from airflow_ml.reuse.difference_texts import difference_sentences
from airflow_ml.reuse.differences import Comparison, count_differences, differences, read_records
from airflow_ml.reuse.similarity import closest_of, earlier_results

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_ml.graph import Graph, Step
    from airflow_ml.registry.reuse_records import ResultRecord
    from airflow_ml.reuse.model import Fingerprint, Record, ReuseContext

__all__ = ["Explanation", "explain", "explain_result", "foresee"]


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


_log = logging.getLogger(__name__)

#: So many results are looked at before a step is said to run in any case.
_MOST = 100
#: So many of the results that fit are given.
_FITTING = 3

_NOTHING = Explanation(("no earlier result of this step",))


def explain(context: ReuseContext, step: Step, graph: Graph, fingerprint: Fingerprint) -> Explanation:
    """Return why no result of this fingerprint can be taken: what changed since the most similar earlier run."""
    found = earlier_results(
        context.registry,
        fingerprint.records,
        step_name=step.name,
        pipeline_name=graph.name,
        others={other.name for other in graph.steps},
    )
    earlier = closest_of(found, fingerprint.records)
    if earlier is None:
        return _NOTHING
    return _compared(context, earlier, fingerprint.records, (step, graph))


def explain_result(context: ReuseContext, result: ResultRecord) -> Explanation:
    """Return by what a result differs from the most similar one before it."""
    records = read_records(result.records)
    found = earlier_results(
        context.registry, records, step_name=result.step_name, pipeline_name=result.pipeline_name, before=result.run_id
    )
    earlier = closest_of(found, records)
    return _NOTHING if earlier is None else _compared(context, earlier, records, None)


def foresee(
    context: ReuseContext, step: Step, graph: Graph, fingerprint: Fingerprint, unknown: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """
    Say what is known of a step some of whose data is not known yet.

    Args:
        fingerprint: of the step with anything in the place of that data.
        unknown: names of these inputs.

    Returns:
        Why the step runs whatever that data turns out to be, and runs whose results it may take; one of both is empty.
    """
    records = _without_data(fingerprint.records, unknown)
    name, pipeline = step.name, graph.name
    found = [
        replace(result, records=[item.to_data() for item in _without_data(read_records(result.records), unknown)])
        for result in earlier_results(
            context.registry,
            records,
            step_name=name,
            pipeline_name=pipeline,
            others={other.name for other in graph.steps},
            limit=_MOST,
        )
    ]
    equal = [result for result in found if not count_differences(read_records(result.records), records)]
    fitting = tuple(result.run_id for result in equal if result.invalidated_at is None)
    if fitting:
        return (), fitting[:_FITTING]
    closest = closest_of(found, records)
    explanation = _NOTHING if closest is None else _compared(context, closest, records, (step, graph))
    return explanation.sentences, ()


def _without_data(records: Iterable[Record], names: Collection[str]) -> tuple[Record, ...]:
    return tuple(record for record in records if record.tag != "input data" or record.name not in names)


def _compared(
    context: ReuseContext, earlier: ResultRecord, records: Sequence[Record], place: tuple[Step, Graph] | None
) -> Explanation:
    comparison = Comparison(context, read_records(earlier.records), records, place)
    sentences = _sentences(comparison) or [_why_not_taken(context, earlier)]
    return Explanation(tuple(sentences), earlier.run_id, earlier.recorded_at)


def _sentences(comparison: Comparison) -> list[str]:
    try:
        return difference_sentences(comparison)
    except (LookupError, TypeError, ValueError, AttributeError):  # records of another version can have any form
        _log.warning("what changed cannot be said in detail", exc_info=True)
        found = differences(comparison.old, comparison.new)
        return [f"{item.tag} {item.name}".strip() + " changed" for item in found]


def _why_not_taken(context: ReuseContext, earlier: ResultRecord) -> str:
    """Say why a result with equal records is not taken."""
    if earlier.invalidated_at is not None:
        return f"the result of run {earlier.run_id} was invalidated: {earlier.invalidation}"
    outputs = context.registry.outputs.of(earlier.run_id)
    collected = [output.name for output in outputs if output.collected_at is not None]
    if collected:
        return f"output deleted: {collected[0]} of run {earlier.run_id} was collected"
    return f"nothing changed since run {earlier.run_id}"
