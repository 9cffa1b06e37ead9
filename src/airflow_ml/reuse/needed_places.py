"""Which places of datastores are needed: by what is registered, what is published, and what runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_ml.registry import FINAL_STATUSES, RUN_STATUSES
from airflow_ml.reuse.garbage import Places, place_text, places_in_json

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.registry import RunRecord
    from airflow_ml.reuse.model import ReuseContext

__all__ = ["graphs_of_open_runs", "needed_places"]

_PAGE = 200


def needed_places(context: ReuseContext) -> Places:
    """
    Return the places that must stay as they are.

    Registered datasets and models; data that graphs of published pipelines name; what open runs consume, and what the
    graphs and parameters of open pipeline runs name for steps that have not begun.
    """
    return Places(_placed(context))


def _placed(context: ReuseContext) -> Iterator[tuple[str, str]]:
    for datastore, path, reason in _named(context):
        text = place_text(context, datastore, path)
        if text is not None:
            yield text, reason


def _named(context: ReuseContext) -> Iterator[tuple[str, str, str]]:
    registry = context.registry
    for place in registry.retention.needed_places():
        yield place.datastore, place.path, place.reason
    for text in registry.retention.published_graphs():
        for datastore, path in places_in_json(json.loads(text)):
            yield datastore, path, "a published pipeline"
    for run, graph in graphs_of_open_runs(context):
        data: list[Json] = [graph, dict(run.details)]
        for datastore, path in places_in_json(data):
            yield datastore, path, f"run {run.id}"


def graphs_of_open_runs(context: ReuseContext) -> Iterator[tuple[RunRecord, Json]]:
    """Yield the pipeline runs that are open, with their graphs as JSON (None where one was not recorded)."""
    runs = context.registry.runs
    for status in RUN_STATUSES:
        if status in FINAL_STATUSES:
            continue
        before = None
        while page := runs.list(kind="pipeline", status=status, include_children=True, limit=_PAGE, before=before):
            for run in page:
                text = runs.graph(run.id, is_sealed=True)
                yield run, None if text is None else json.loads(text)
            before = page[-1].sequence
