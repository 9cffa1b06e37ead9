"""What the registry is told about attempts, their beginning and their end, and about steps that are reused."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow_ml.execution.captures import Snapshot
from airflow_ml.execution.model import OutputPlace, StepResult, StepTask
from airflow_ml.graph.identity import module_id
from airflow_ml.registry import DatasetRegistration, NewResult, OutputRecord, RunRecord
from airflow_ml.reuse.sentences import reasons_text
from airflow_ml.storage.manifests import manifest_path

if TYPE_CHECKING:
    from airflow_ml.execution.admission import Admitted
    from airflow_ml.execution.attempt import Attempt
    from airflow_ml.execution.reads import Reads
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Json, OutputPort, Step
    from airflow_ml.storage.manifests import Manifest

__all__ = [
    "begin_attempt",
    "definition_of_output",
    "end_attempt",
    "newest_completed",
    "properties_of_step",
    "registrations_of",
    "result_of",
    "scalars_in_xcom",
    "tags_of_step",
]

#: v1's names of the kinds of steps.
_STEP_TYPES = {"python_script": "PythonScriptStep", "data_transfer": "DataTransferStep"}


def begin_attempt(services: Services, task: StepTask, snapshot: Snapshot, admitted: Admitted) -> RunRecord:
    """Record a new attempt of the step, with v1's properties and tags, and why it runs."""
    pipeline = task.pipeline
    return services.registry.runs.create(
        pipeline.experiment,
        task.step.name,
        id=admitted.run_id,
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
        properties=properties_of_step(pipeline, task.step, snapshot),
        tags=tags_of_step(pipeline, task.step),
        details={"airflow_try_number": task.task.try_number, "reuse": _reuse_details(admitted)},
    )


def properties_of_step(pipeline: RunRecord, step: Step, snapshot: Snapshot) -> dict[str, str]:
    """Return v1's properties of a step's run."""
    return {
        "azureml.runsource": "azureml.StepRun",
        "StepType": _STEP_TYPES.get(step.kind, step.kind),
        "azureml.pipelinerunid": pipeline.id,
        "azureml.pipeline": pipeline.id,
        "azureml.nodeid": step.id,
        "azureml.moduleid": module_id(step),
        **({} if snapshot.id is None else {"ContentSnapshotId": snapshot.id}),
        **snapshot.properties,
    }


def tags_of_step(pipeline: RunRecord, step: Step) -> dict[str, str]:
    """Return v1's tags of a step's run."""
    return {"azureml.nodeid": step.id, "azureml.pipeline": pipeline.id}


def _reuse_details(admitted: Admitted) -> dict[str, Json]:
    return {
        "decision": "ran",
        "fingerprint": None if admitted.fingerprint is None else admitted.fingerprint.digest,
        "reason": f"ran: {reasons_text(admitted.reasons)}",
        "reasons": list(admitted.reasons),
    }


def end_attempt(attempt: Attempt, outputs: Mapping[str, Manifest], admitted: Admitted) -> StepResult:
    """
    Make the outputs, the datasets they become and the status Completed visible, and the result reusable, all at once.

    Raises:
        LeaseLostError: another run has taken the fingerprint's lease over; nothing of this attempt is visible.
    """
    services, task, run = attempt.services, attempt.task, attempt.run
    now = datetime.now(timezone.utc)
    records = [_output_record(task.step.output(name), manifest, now) for name, manifest in outputs.items()]
    services.registry.runs.finish_step(
        run.id,
        status="Completed",
        outputs=records,
        registrations=registrations_of(task.step, records),
        result=_new_result(task, admitted, attempt.reads),
        lease=admitted.lease,
    )
    return result_of(services, run)


def _new_result(task: StepTask, admitted: Admitted, reads: Reads) -> NewResult | None:
    if admitted.fingerprint is None or not admitted.is_offered:
        return None
    return NewResult(
        fingerprint=admitted.fingerprint.digest,
        step_name=task.step.name,
        pipeline_name=task.graph.name,
        records=[record.to_data() for record in admitted.fingerprint.records],
        discovered=reads.records(),
    )


def newest_completed(services: Services, pipeline_run_id: str, step_id: str) -> RunRecord | None:
    """Return the attempt whose outputs are the step's in this pipeline run, or None."""
    attempts = services.registry.runs.attempts(pipeline_run_id, step_id)
    return next((attempt for attempt in attempts if attempt.status == "Completed"), None)


def result_of(services: Services, run: RunRecord) -> StepResult:
    """Return what a completed step run hands on."""
    outputs = {
        output.name: OutputPlace(output.datastore, output.path, output.digest)
        for output in services.registry.outputs.of(run.id)
    }
    metrics = services.registry.metrics.last_scalars([run.id])[run.id]
    return StepResult(run.id, run.parent_id or run.id, outputs, scalars_in_xcom(metrics))


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
        identity=manifest.identity,
    )


def registrations_of(step: Step, outputs: Sequence[OutputRecord]) -> Sequence[DatasetRegistration]:
    """Return the datasets that a step's committed outputs become."""
    declared = {port.name: port.registration for port in step.outputs}
    found = []
    for output in outputs:
        wanted = declared.get(output.name)
        if wanted is None:
            continue
        definition = definition_of_output(
            output.datastore, output.path, is_file=output.is_file, transformations=wanted.transformations
        )
        found.append(
            DatasetRegistration(
                output=output.name,
                name=wanted.name,
                definition=definition,
                description=wanted.description,
                tags=wanted.tags,
                create_new_version=wanted.create_new_version,
            )
        )
    return found


def scalars_in_xcom(metrics: Mapping[str, Json]) -> dict[str, Json]:
    """Return the last values of scalar metrics as they fit an XCom."""
    return {name: _in_xcom(value) for name, value in metrics.items()}


def _in_xcom(value: Json) -> Json:
    """Return a scalar as JSON and UTF-8 have it; for what they lack Airflow would fail a step that has completed."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value.encode(errors="replace").decode() if isinstance(value, str) else value
