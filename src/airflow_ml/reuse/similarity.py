"""The earlier result that a step is compared with, to say what is new."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from airflow_ml.reuse.differences import count_differences, read_records

if TYPE_CHECKING:
    from airflow_ml.registry import Registry
    from airflow_ml.registry.reuse_records import ResultRecord
    from airflow_ml.reuse.model import Record

__all__ = ["most_similar"]

#: So many results of a pipeline are looked at for a step that has got another name.
_OF_PIPELINE = 50


def most_similar(
    registry: Registry,
    records: Sequence[Record],
    *,
    step_name: str,
    pipeline_name: str | None,
    before: str | None = None,
) -> ResultRecord | None:
    """
    Return the result with the fewest other records, the newest of equals; None if the step has none.

    Results of the step in the same pipeline come first, then those of steps of that name in any pipeline, then, for a
    step that was renamed, those of the pipeline that ran the same script.

    Args:
        before: only results that are older than that of this run.
    """
    for candidates in _candidates(registry, records, step_name, pipeline_name):
        older = _before(candidates, before)
        if older:
            return min(older, key=lambda result: count_differences(read_records(result.records), records))
    return None


def _candidates(
    registry: Registry, records: Sequence[Record], step_name: str, pipeline_name: str | None
) -> Iterable[Sequence[ResultRecord]]:
    if pipeline_name is not None:
        yield registry.results.similar(step_name, pipeline_name=pipeline_name)
    yield registry.results.similar(step_name)
    if pipeline_name is not None:
        script = _script(records)
        of_pipeline = registry.results.list(pipeline=pipeline_name, limit=_OF_PIPELINE)
        yield [result for result in of_pipeline if script and _script(read_records(result.records)) == script]


def _before(results: Sequence[ResultRecord], run_id: str | None) -> Sequence[ResultRecord]:
    """Return the results behind that of a run; they come newest first."""
    for number, result in enumerate(results):
        if result.run_id == run_id:
            return results[number + 1 :]
    return results


def _script(records: Iterable[Record]) -> object:
    return next((record.value for record in records if (record.tag, record.name) == ("step", "script")), None)
