"""
What is shown of a run: one JSON document, which the page and the REST answer have in common.

Everything in it comes from the run's records. Values whose names or texts Airflow takes for secrets are masked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, cast

from airflow._shared.secrets_masker import redact

from airflow_ml.execution.metrics import read_metrics

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.plugins.run_log import LogTail
    from airflow_ml.registry import OutputRecord, Registry, RunInputRecord, RunRecord

__all__ = ["run_document", "run_summary"]


def run_document(registry: Registry, run: RunRecord, log: LogTail | None) -> dict[str, Json]:
    """
    Return everything that is shown of a run.

    Args:
        log: what the reader may see of the run's log; None leaves it out.
    """
    parent = registry.runs.find(run.parent_id) if run.parent_id else None
    original = registry.runs.find(str(_reuse(run).get("run_id") or ""))
    document: dict[str, Json] = {
        **run_summary(run),
        "workspace": registry.workspace.name,
        "description": run.description,
        "root_id": run.root_id,
        "node_id": run.node_id,
        "snapshot_id": run.snapshot_id,
        "dag": None if run.dag_id is None else {"dag_id": run.dag_id, "run_id": run.dag_run_id, "task_id": run.task_id},
        "parent": None if parent is None else run_summary(parent),
        "original": None if original is None else run_summary(original),
        "children": [run_summary(child) for child in reversed(registry.runs.children(run.id))],
        "reuse": _reuse(run),
        "parameters": run.details.get("parameters") or {},
        "metrics": _finite(read_metrics(registry, run.id)),
        "outputs": [_output(record) for record in registry.outputs.of(run.id)],
        "inputs": [_input(record) for record in registry.inputs.of(run.id)],
        "consumers": _consumers(registry.inputs.of_producer(run.id)),
        "tags": dict(run.tags),
        "properties": dict(run.properties),
        "error": None if run.error is None else dict(run.error),
        "artifacts": [{"name": item.name, "size": item.size} for item in registry.artifacts.list(run.id)],
        "log": None if log is None else {"text": cast("str", redact(log.text)), "is_cut": log.is_cut},
    }
    # Not the metrics: `tokens_per_second` has a name like a secret's.
    for part in ("parameters", "tags", "properties", "error"):
        document[part] = cast("Json", redact(cast("dict[str, object] | None", document[part])))
    return document


def run_summary(run: RunRecord) -> dict[str, Json]:
    """Return what a list shows of a run."""
    reuse = _reuse(run)
    return {
        "id": run.id,
        "name": run.display_name or run.name,
        "kind": run.kind,
        "status": run.status,
        "experiment": run.experiment,
        "number": run.number,
        "attempt": run.attempt,
        "target": run.target,
        "created_at": _text(run.created_at),
        "started_at": _text(run.started_at),
        "ended_at": _text(run.ended_at),
        "seconds": _seconds(run),
        "is_reused": run.properties.get("azureml.isreused") == "true",
        "reason": reuse.get("reason"),
        "saved_seconds": reuse.get("saved_seconds"),
    }


def _reuse(run: RunRecord) -> dict[str, Json]:
    """Return why a step ran or which result it took; empty for other runs. The texts come from names and values."""
    found = run.details.get("reuse")
    return cast("dict[str, Json]", redact(found)) if isinstance(found, dict) else {}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds")


def _seconds(run: RunRecord) -> float | None:
    if run.started_at is None or run.ended_at is None:
        return None
    return round((run.ended_at - run.started_at).total_seconds(), 3)


def _finite(value: Json) -> Json:
    """Return the value with NaN and the infinities as text, which JSON has no word for."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value


def _output(record: OutputRecord) -> dict[str, Json]:
    return {
        "name": record.name,
        "place": f"{record.datastore}:{record.path}",
        "files": record.files,
        "size": record.size,
        "digest": record.digest,
        "dataset": record.dataset_name,
        "dataset_version": record.dataset_version,
    }


def _input(record: RunInputRecord) -> dict[str, Json]:
    fields = asdict(record)
    del fields["run_id"]
    fields["place"] = f"{record.datastore}:{record.path}" if record.datastore else None
    return fields


def _consumers(inputs: Iterable[RunInputRecord]) -> list[Json]:
    used: Mapping[tuple[str, str], None] = dict.fromkeys((item.run_id, item.producer_output or "") for item in inputs)
    return [{"run_id": run_id, "output": output} for run_id, output in used]
