"""
What is shown of a run: one JSON document, which the page and the REST answer have in common.

Everything in it comes from the run's records. Values whose names or texts Airflow takes for secrets are masked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, cast

from airflow._shared.secrets_masker import redact

from airflow_ml.plugins.graph_document import graph_document
from airflow_ml.plugins.run_metrics import metric_parts, said
from airflow_ml.runtime.metrics import fold

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.plugins.access import RunAccess
    from airflow_ml.plugins.run_log import LogTail
    from airflow_ml.registry import OutputRecord, Registry, RunInputRecord, RunRecord

__all__ = ["run_document", "run_summary"]

#: v1's properties of the git state, and those that MLflow knows.
_GIT = ("azureml.git.", "mlflow.source.git.")


def run_document(registry: Registry, run: RunRecord, log: LogTail | None, access: RunAccess) -> dict[str, Json]:
    """
    Return everything that is shown of a run.

    Args:
        log: what the reader may see of the run's log; None leaves it out.
        access: which other runs may be named.
    """

    def named(run_id: object) -> dict[str, Json] | None:
        found = registry.runs.find(str(run_id)) if run_id else None
        return run_summary(found) if found is not None and access.may_see(found) else None

    children = registry.runs.children(run.id)
    points = registry.metrics.read(run.id)
    document: dict[str, Json] = {
        **run_summary(run),
        "workspace": registry.workspace.name,
        "description": run.description,
        "root_id": run.root_id,
        "node_id": run.node_id,
        "snapshot_id": run.snapshot_id,
        "dag": _place_in_airflow(run),
        "parent": named(run.parent_id),
        "original": named(_reuse(run).get("run_id")),
        "children": [run_summary(child) for child in reversed(children)],
        "graph": graph_document(registry, run, children),
        "reuse": _reuse(run),
        "parameters": run.details.get("parameters") or {},
        "metrics": said(fold(vars(point) | {"event": "metric"} for point in points)),
        "shown_metrics": metric_parts(points),
        "outputs": [_output(record) for record in registry.outputs.of(run.id)],
        "inputs": [_input(record) for record in registry.inputs.of(run.id)],
        "consumers": _consumers(registry, access, registry.inputs.of_producer(run.id)),
        "tags": dict(run.tags),
        "properties": dict(run.properties),
        "git": {name: value for name, value in run.properties.items() if name.startswith(_GIT)},
        "error": None if run.error is None else dict(run.error),
        "artifacts": [{"name": item.name, "size": item.size} for item in registry.artifacts.list(run.id)],
        "log": None if log is None else {"text": cast("str", redact(log.text)), "is_cut": log.is_cut},
    }
    # Not the metrics: `tokens_per_second` has a name like a secret's.
    for part in ("parameters", "tags", "properties", "git", "error"):
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


def _place_in_airflow(run: RunRecord) -> dict[str, Json] | None:
    if run.dag_id is None:
        return None
    # A run that could not be opened does not take its place, and says in its details which it was.
    run_id = run.dag_run_id or run.details.get("dag_run_id")
    return {"dag_id": run.dag_id, "run_id": run_id, "task_id": run.task_id if run_id else None}


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


def _output(record: OutputRecord) -> dict[str, Json]:
    return {
        "name": record.name,
        "place": f"{record.datastore}:{record.path}",
        "files": record.files,
        "size": record.size,
        "digest": record.digest,
        "dataset": record.dataset_name,
        "dataset_version": record.dataset_version,
        "is_collected": record.collected_at is not None,
    }


def _input(record: RunInputRecord) -> dict[str, Json]:
    fields = asdict(record)
    del fields["run_id"]
    fields["place"] = f"{record.datastore}:{record.path}" if record.datastore else None
    return fields


def _consumers(registry: Registry, access: RunAccess, inputs: Iterable[RunInputRecord]) -> list[Json]:
    """Return who has used outputs, as far as the reader may know of them."""
    used: Mapping[tuple[str, str], None] = dict.fromkeys((item.run_id, item.producer_output or "") for item in inputs)
    runs = {run_id: registry.runs.find(run_id) for run_id, _ in used}
    return [
        {"run_id": run_id, "output": output, "name": run.display_name or run.name}
        for run_id, output in used
        if (run := runs[run_id]) is not None and access.may_see(run)
    ]
