"""Metrics of recorded runs as v1's `get_metrics` gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.runtime.metrics import fold

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.registry import Registry

__all__ = ["read_metrics"]


def read_metrics(
    registry: Registry, run_id: str, name: str | None = None, *, recursive: bool = False, kind: str | None = None
) -> dict[str, Json]:
    """
    Return a run's metrics by name: a scalar that was logged once as the value, repeated names as lists.

    Args:
        recursive: return `{run id: metrics}` for the run and all below it instead.
        kind: with `recursive`, only runs of this kind.
    """
    if not recursive:
        return _folded(registry, run_id, name)
    runs = [registry.runs.get(run_id), *registry.runs.children(run_id, recursive=True)]
    return {run.id: _folded(registry, run.id, name) for run in runs if kind in (None, run.kind)}


def _folded(registry: Registry, run_id: str, name: str | None) -> dict[str, Json]:
    points = registry.metrics.read(run_id, name)
    return fold({"event": "metric", "name": point.name, "kind": point.kind, "value": point.value} for point in points)
