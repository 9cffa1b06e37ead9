"""What `Run.get_details` says of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airflow_ml.registry import Registry, RunRecord

__all__ = ["describe_run"]


def describe_run(registry: Registry, record: RunRecord) -> dict[str, Any]:
    """Return what is known of the run, with v1's keys."""
    return {
        "runId": record.id,
        "target": record.target,
        "status": record.status,
        "startTimeUtc": None if record.started_at is None else record.started_at.isoformat(),
        "endTimeUtc": None if record.ended_at is None else record.ended_at.isoformat(),
        "properties": dict(record.properties),
        "inputDatasets": [
            {
                "dataset": {"id": item.dataset_id, "name": item.dataset_name, "version": item.dataset_version},
                "consumptionDetails": {"type": "RunInput", "inputName": item.name, "mechanism": item.mode.title()},
            }
            for item in registry.inputs.of(record.id)
            if item.dataset_id is not None
        ],
        "outputDatasets": [
            {"name": item.dataset_name, "version": item.dataset_version, "output": item.name}
            for item in registry.outputs.of(record.id)
            if item.dataset_name is not None
        ],
        "logFiles": {
            item.name: item.path
            for item in registry.artifacts.list(record.id)
            if item.name.startswith(("user_logs/", "logs/", "system_logs/"))
        },
        **({"error": dict(record.error)} if record.error else {}),
    }
