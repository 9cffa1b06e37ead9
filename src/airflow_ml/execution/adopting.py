"""Recording that steps take the results of other runs: one step, or all of a pipeline at once."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_ml.execution.captures import recorded_snapshot
from airflow_ml.execution.model import Airflow, OutputPlace, StepResult
from airflow_ml.execution.records import (
    properties_of_step,
    registrations_of,
    result_of,
    scalars_in_xcom,
    tags_of_step,
)
from airflow_ml.graph import StepOutputSource
from airflow_ml.registry import Adoption, RunInputRecord, RunOptions, RunRecord
from airflow_ml.reuse.sentences import sentence_of

if TYPE_CHECKING:
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Graph, Json, Step
    from airflow_ml.reuse.decisions import Decision

__all__ = ["record_all_reused", "record_reused"]


def record_reused(
    services: Services, graph: Graph, pipeline: RunRecord, decision: Decision, task: Airflow
) -> StepResult:
    """
    Record that a step takes the result of another run as its next attempt, and return it as its own.

    Outputs that are to be registered as datasets are registered again, so that the newest version of a dataset's name
    is always that of the newest run. Paths stay the original's (v1).

    Raises:
        ResultGoneError: it cannot be taken any more.
    """
    runs = services.registry.runs
    producers = _producers(runs.steps(pipeline.id))
    inputs = services.registry.inputs.of(_source(decision).id)
    adoption = _adoption(graph.step(decision.step_id), pipeline, decision, task, inputs, producers)
    run = runs.adopt(
        pipeline.id,
        adoption.source_run_id,
        name=adoption.name,
        inputs=adoption.inputs,
        registrations=adoption.registrations,
        pipeline_outputs=adoption.pipeline_outputs,
        only_first=False,
        **adoption.options,
    )
    assert run is not None
    return result_of(services, run)


def record_all_reused(
    services: Services,
    graph: Graph,
    pipeline: RunRecord,
    newest: Iterable[RunRecord],
    decisions: Sequence[Decision],
    place: Airflow,
) -> list[tuple[Decision, StepResult]]:
    """
    Record all steps that take a result, in running order, and return those that do.

    Left out are steps that somebody has begun meanwhile, and results that were invalidated or collected in this
    moment: such a step asks again when it starts.

    Args:
        newest: the newest attempt of each step of the pipeline run, as the decisions saw it.
    """
    if not decisions:
        return []
    runs = services.registry.runs
    sources = [_source(decision).id for decision in decisions]
    inputs = services.registry.inputs.of_runs(sources)
    producers = _producers(newest)
    adoptions = []
    for decision, source_id in zip(decisions, sources, strict=True):
        step = graph.step(decision.step_id)
        task = replace(place, task_id=f"{place.task_id}{step.id}")
        adoptions.append(_adoption(step, pipeline, decision, task, inputs[source_id], producers))
        producers[step.id] = adoptions[-1].run_id
    recorded = runs.adopt_all(pipeline.id, adoptions)
    metrics = services.registry.metrics.last_scalars(sources)
    return [
        (decision, _result(decision, pipeline, adoption, scalars_in_xcom(metrics[adoption.source_run_id])))
        for decision, adoption in zip(decisions, adoptions, strict=True)
        if adoption.run_id in recorded
    ]


def _producers(newest: Iterable[RunRecord]) -> dict[str, str]:
    """Return the runs that have the outputs of steps in this pipeline run, by step."""
    return {str(step.node_id): step.id for step in newest if step.status == "Completed"}


def _source(decision: Decision) -> RunRecord:
    assert decision.source is not None
    return decision.source


def _adoption(
    step: Step,
    pipeline: RunRecord,
    decision: Decision,
    task: Airflow,
    inputs: Sequence[RunInputRecord],
    producers: Mapping[str, str],
) -> Adoption:
    source = _source(decision)
    return Adoption(
        run_id=str(uuid.uuid4()),
        source_run_id=source.id,
        name=step.name,
        options=_options(step, pipeline, decision, task),
        inputs=_inputs(step, inputs, producers),
        registrations=registrations_of(step, list(decision.outputs.values())),
        pipeline_outputs={port.name: port.pipeline_output_name for port in step.outputs},
    )


def _options(step: Step, pipeline: RunRecord, decision: Decision, task: Airflow) -> RunOptions:
    source, snapshot = _source(decision), recorded_snapshot(pipeline, step)
    return {
        "node_id": step.id,
        "dag_id": task.dag_id,
        "dag_run_id": task.dag_run_id,
        "task_id": task.task_id,
        "target": step.compute or "local",
        "snapshot_id": snapshot.id,
        "properties": {
            **properties_of_step(pipeline, step, snapshot),
            "azureml.isreused": "true",
            "azureml.reusedrunid": source.id,
            "azureml.reusednodeid": source.node_id or "",
            "azureml.reusedpipeline": source.parent_id or "",
        },
        "tags": tags_of_step(pipeline, step),
        "details": {
            "reuse": {
                "decision": "reused",
                "fingerprint": None if decision.fingerprint is None else decision.fingerprint.digest,
                "reason": sentence_of(decision),
                "reasons": list(decision.reasons),
                "run_id": source.id,
                "saved_seconds": decision.saved_seconds,
            }
        },
    }


def _inputs(step: Step, inputs: Sequence[RunInputRecord], producers: Mapping[str, str]) -> list[RunInputRecord]:
    """Return the original's lineage, with the steps of this pipeline run as producers."""
    ports = {port.name: port.source for port in step.inputs}
    found = []
    for item in inputs:
        source = ports.get(item.name)
        if isinstance(source, StepOutputSource):
            producer = producers.get(source.step, item.producer_run_id)
            item = replace(item, producer_run_id=producer, producer_output=source.output)
        found.append(item)
    return found


def _result(decision: Decision, pipeline: RunRecord, adoption: Adoption, metrics: dict[str, Json]) -> StepResult:
    outputs = {
        output.name: OutputPlace(output.datastore, output.path, output.digest) for output in decision.outputs.values()
    }
    return StepResult(adoption.run_id, pipeline.id, outputs, metrics)
