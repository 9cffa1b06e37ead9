"""The earlier result that a step is compared with, to say what is new."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from airflow_ml.reuse.differences import count_differences, read_records
from airflow_ml.reuse.records import canonical

if TYPE_CHECKING:
    from airflow_ml.registry import Registry
    from airflow_ml.registry.reuse_records import ResultRecord
    from airflow_ml.reuse.model import Record

__all__ = ["closest_of", "earlier_results"]

#: So many results are looked at.
_LIMIT = 20


def closest_of(results: Iterable[ResultRecord], records: Sequence[Record]) -> ResultRecord | None:
    """Return the result with the fewest other records, the first of equals; None if there is none."""
    return min(results, key=lambda result: count_differences(read_records(result.records), records), default=None)


def earlier_results(
    registry: Registry,
    records: Sequence[Record],
    *,
    step_name: str,
    pipeline_name: str,
    others: Collection[str] = (),
    before: str | None = None,
    limit: int = _LIMIT,
) -> Sequence[ResultRecord]:
    """
    Return results that a step can be compared with, newest first.

    Those of the step in the same pipeline; if there are none, those of steps of that name in any pipeline; then, for
    a step that was renamed, those of the pipeline. Of these, steps with another script or with other inputs and outputs
    are something else that is called alike: what differs from them says nothing.

    Args:
        others: names of the pipeline's other steps, which are no former names of this one.
        before: only results that are older than that of this run.
        limit: at most so many are looked at.
    """
    results = registry.results
    found = _before(results.similar(step_name, pipeline_name=pipeline_name, limit=limit), before)
    if found:
        return found
    shape = _shape(records)
    namesakes = _before(results.similar(step_name, limit=limit), before)
    alike = [result for result in namesakes if _shape(read_records(result.records)) == shape]
    if alike:
        return alike
    of_pipeline = _before(results.list(pipeline=pipeline_name, limit=limit), before)
    former = [result for result in of_pipeline if result.step_name not in others]
    return [result for result in former if _shape(read_records(result.records)) == shape]


def _before(results: Sequence[ResultRecord], run_id: str | None) -> Sequence[ResultRecord]:
    """Return the results behind that of a run; they come newest first."""
    for number, result in enumerate(results):
        if result.run_id == run_id:
            return results[number + 1 :]
    return results


def _shape(records: Iterable[Record]) -> frozenset[tuple[str, str]]:
    """Return what kind of step it is and its script, with the names of its inputs and outputs."""
    return frozenset(
        (record.name, canonical(record.value)) if record.tag == "step" else (record.tag, record.name)
        for record in records
        if (record.tag, record.name) in (("step", "kind"), ("step", "script")) or record.tag in ("input", "output")
    )
