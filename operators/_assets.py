"""
Asset events of the datasets that tasks register.

The outlets of a step's task say which datasets it may register. Airflow sends an event for each outlet that a task has
when it succeeds, so at the end they are set to what has been registered: fewer where an earlier result was taken, more
where the task has told Airflow that steps behind it are reused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

from airflow_ml.execution.registered import registered_versions
from airflow_ml.translation.assets import assets_of, dataset_asset

if TYPE_CHECKING:
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Graph

__all__ = ["tell_registered"]


def tell_registered(opened: Services, context: Mapping[str, Any], graph: Graph, run_ids: Iterable[str]) -> None:
    """
    Let the end of this task send an event for each dataset that these runs of steps have registered.

    An event's `extra` holds `dataset`, `version`, `run_id` and `pipeline_run_id`.
    """
    declared = [asset for step in graph.steps for asset in assets_of(graph, step)]
    if not declared:
        return
    task = context["ti"].task
    ours = {asset.uri for asset in declared}
    outlets = [item for item in task.outlets if not (isinstance(item, Asset) and item.uri in ours)]
    told: dict[str, Asset] = {}
    for version in registered_versions(opened, run_ids):
        asset = told.setdefault(version.dataset, dataset_asset(graph.workspace.name, version.dataset))
        context["outlet_events"][asset].extra = version.to_data()
    task.outlets = [*outlets, *told.values()]
