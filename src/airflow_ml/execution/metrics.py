"""Metrics of recorded runs as v1's `get_metrics` gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.runtime.metrics import fold

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.registry import Registry

__all__ = ["read_metrics"]


def read_metrics(
    registry: Registry, run_id: str, name: str | None = None, *, recursive: bool = False
) -> dict[str, Json]:
    """
    Return a run's metrics by name: a scalar that was logged once as the value, repeated names as lists.

    Args:
        recursive: return `{run id: metrics}` for the run and all below it instead.
    """
    if not recursive:
        return _folded(registry, run_id, name)
    runs = [run_id, *(run.id for run in registry.runs.children(run_id, recursive=True))]
    return {run: _folded(registry, run, name) for run in runs}


def _folded(registry: Registry, run_id: str, name: str | None) -> dict[str, Json]:
    points = registry.metrics.read(run_id, name)
    return fold({"event": "metric", "name": point.name, "kind": point.kind, "value": point.value} for point in points)
