"""
What is shown of runs side by side: rows of values, one column for each run, and charts with a line for each run.

A pipeline's metrics are its own and those of its steps, which go by the steps' names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from airflow._shared.secrets_masker import redact

from airflow_ml.plugins.run_document import run_summary
from airflow_ml.plugins.run_metrics import chart_of, said, scalar_series

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.registry import Registry, RunRecord

__all__ = ["comparison"]

_Line = tuple[list[float], list[float]]


def comparison(registry: Registry, runs: Sequence[RunRecord]) -> dict[str, Json]:
    """Return the runs, the rows of their parameters, metrics and tags, and the charts of their metrics."""
    sources = {run.id: _sources(registry, run) for run in runs}
    scalars = registry.metrics.last_scalars(run_id for named in sources.values() for run_id in named.values())
    metrics = [
        {
            f"{prefix}{name}": value
            for prefix, source in sources[run.id].items()
            for name, value in scalars[source].items()
        }
        for run in runs
    ]
    tags = [{name: cast("Json", value) for name, value in run.tags.items()} for run in runs]
    return {
        "runs": [_column(run) for run in runs],
        "parameters": _rows([_masked(cast("Mapping[str, Json]", run.details.get("parameters") or {})) for run in runs]),
        "metrics": _rows(metrics),
        "tags": _rows([_masked(own) for own in tags]),
        "charts": _charts(registry, runs, sources),
    }


def _sources(registry: Registry, run: RunRecord) -> dict[str, str]:
    """Return whose metrics are shown in a run's column, by what stands before their names."""
    steps = registry.runs.steps(run.id) if run.kind == "pipeline" else ()
    return {"": run.id, **{f"{step.name} / ": step.id for step in reversed(steps)}}


def _column(run: RunRecord) -> dict[str, Json]:
    return {**run_summary(run), "label": f"{run.experiment} {run.number}" if run.number else run.name}


def _rows(values: Sequence[Mapping[str, Json]]) -> list[Json]:
    """Return a row for each name that any run has; `differs` where not all runs say the same."""
    names = dict.fromkeys(name for own in values for name in own)
    rows: list[Json] = []
    for name in names:
        cells = [said(own.get(name)) for own in values]
        is_same = all(name in own for own in values) and all(cell == cells[0] for cell in cells)
        rows.append({"name": name, "values": cells, "differs": not is_same})
    return rows


def _charts(registry: Registry, runs: Sequence[RunRecord], sources: Mapping[str, Mapping[str, str]]) -> list[Json]:
    lines: dict[str, dict[str, _Line]] = {}
    for number, run in enumerate(runs, start=1):
        label = f"{number}: {_column(run)['label']}"
        for prefix, source in sources[run.id].items():
            for name, line in scalar_series(registry.metrics.read(source)).items():
                lines.setdefault(f"{prefix}{name}", {})[label] = line
    return [{"name": name, **chart_of(own)} for name, own in lines.items()]


def _masked(values: Mapping[str, Json]) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", redact(dict(values)))
