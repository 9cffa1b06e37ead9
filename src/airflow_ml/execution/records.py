"""What the registry is told about an attempt: its beginning and its end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow_ml.execution.captures import Snapshot
from airflow_ml.execution.model import OutputPlace, StepResult, StepTask
from airflow_ml.graph.identity import module_id
from airflow_ml.registry import DatasetRegistration, OutputRecord, RunRecord
from airflow_ml.storage.manifests import manifest_path

if TYPE_CHECKING:
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Json, OutputPort
    from airflow_ml.storage.manifests import Manifest

__all__ = ["begin_attempt", "definition_of_output", "end_attempt"]

#: v1's names of the kinds of steps.
_STEP_TYPES = {"python_script": "PythonScriptStep"}


def begin_attempt(services: Services, task: StepTask, snapshot: Snapshot) -> RunRecord:
    """Record a new attempt of the step, with v1's properties and tags."""
    pipeline = task.pipeline
    properties = {
        "azureml.runsource": "azureml.StepRun",
        "StepType": _STEP_TYPES.get(task.step.kind, task.step.kind),
        "azureml.pipelinerunid": pipeline.id,
        "azureml.pipeline": pipeline.id,
        "azureml.nodeid": task.step.id,
        "azureml.moduleid": module_id(task.step),
        **({} if snapshot.id is None else {"ContentSnapshotId": snapshot.id}),
        **snapshot.properties,
    }
    return services.registry.runs.create(
        pipeline.experiment,
        task.step.name,
        kind="step",
        parent_id=pipeline.id,
        status="Preparing",
        started_at=datetime.now(timezone.utc),
        node_id=task.step.id,
        dag_id=task.task.dag_id,
        dag_run_id=task.task.dag_run_id,
        task_id=task.task.task_id,
        target=task.step.compute or "local",
        snapshot_id=snapshot.id,
        properties=properties,
        tags={"azureml.nodeid": task.step.id, "azureml.pipeline": pipeline.id},
        details={"airflow_try_number": task.task.try_number},
    )


def end_attempt(services: Services, task: StepTask, run: RunRecord, outputs: Mapping[str, Manifest]) -> StepResult:
    """Make the outputs, the datasets they become and the status Completed visible, all at once."""
    now = datetime.now(timezone.utc)
    services.registry.runs.finish_step(
        run.id,
        status="Completed",
        outputs=[_output_record(task.step.output(name), manifest, now) for name, manifest in outputs.items()],
        registrations=_registrations(task, outputs),
    )
    places = {
        name: OutputPlace(manifest.datastore, manifest.path, manifest.digest) for name, manifest in outputs.items()
    }
    return StepResult(run.id, task.pipeline_run_id, places, _last_values(services, run.id))


def definition_of_output(
    datastore: str, path: str, *, is_file: bool, transformations: Mapping[str, Json] | None
) -> dict[str, Json]:
    """Return a committed output as a dataset definition; a table if there are transformations that parse it."""
    is_table = bool(transformations and transformations.get("parse"))
    return {
        "kind": "tabular" if is_table else "file",
        "sources": [{"datastore": datastore, "path": path if is_file else f"{path}/"}],
        **(transformations or {}),
    }


def _output_record(port: OutputPort, manifest: Manifest, now: datetime) -> OutputRecord:
    return OutputRecord(
        run_id=manifest.run_id,
        name=port.name,
        kind=port.kind,
        datastore=manifest.datastore,
        path=manifest.path,
        is_file=manifest.is_file,
        digest=manifest.digest,
        manifest_path=manifest_path(manifest.run_id, port.name),
        files=len(manifest.files),
        size=manifest.size,
        committed_at=now,
        pipeline_output_name=port.pipeline_output_name,
    )


def _registrations(task: StepTask, outputs: Mapping[str, Manifest]) -> Sequence[DatasetRegistration]:
    found = []
    for name, manifest in outputs.items():
        wanted = task.step.output(name).registration
        if wanted is None:
            continue
        definition = definition_of_output(
            manifest.datastore, manifest.path, is_file=manifest.is_file, transformations=wanted.transformations
        )
        found.append(
            DatasetRegistration(
                output=name,
                name=wanted.name,
                definition=definition,
                description=wanted.description,
                tags=wanted.tags,
                create_new_version=wanted.create_new_version,
            )
        )
    return found


def _last_values(services: Services, run_id: str) -> dict[str, Json]:
    """Return the last scalar of each metric: what fits an XCom."""
    points = services.registry.metrics.read(run_id)
    return {point.name: _in_xcom(point.value) for point in points if point.kind == "scalar"}


def _in_xcom(value: Json) -> Json:
    """Return a scalar as JSON and UTF-8 have it; for what they lack Airflow would fail a step that has completed."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.encode(errors="replace").decode() if isinstance(value, str) else value
