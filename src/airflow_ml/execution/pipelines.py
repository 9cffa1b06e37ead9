"""Pipeline runs: opened before their first step, watched while steps run, closed after the last one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, cast

from airflow_ml.exceptions import ComputeTargetException, NotSupportedError, UserErrorException
from airflow_ml.graph import (
    DataReferenceSource,
    DatasetSource,
    Graph,
    Json,
    Step,
    as_text,
    resolve_parameters,
    to_json,
)
from airflow_ml.snapshots.capture import capture
from airflow_ml.snapshots.git import git_properties

if TYPE_CHECKING:
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import RunRecord

__all__ = [
    "Opening",
    "Snapshot",
    "Verdict",
    "close_if_idle",
    "close_pipeline",
    "join_pipeline",
    "judge_pipeline",
    "note_failure",
    "open_pipeline",
    "parameter_texts",
    "snapshot_of",
    "stop_reason",
]


@dataclass(frozen=True)
class Opening:
    """
    What a pipeline run is opened with.

    Attributes:
        dag_run_id: with the DAG's id and the group's the place in Airflow that has one pipeline run.
        parameters: the values that were given; defaults fill in the rest.
        is_complete: the graph holds all steps of the pipeline; False for operators written by hand, each of which
            knows itself alone.
    """

    experiment: str
    dag_id: str
    dag_run_id: str
    group_id: str = ""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    continue_on_failure: bool = False
    run_source: str = "SDK"
    is_complete: bool = True
    details: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Snapshot:
    """A step's captured source directory, and what git says about it."""

    id: str | None
    properties: Mapping[str, str] = field(default_factory=dict)


def open_pipeline(services: Services, graph: Graph, opening: Opening) -> RunRecord:
    """
    Record the pipeline run, or return the one that is recorded for this place in Airflow.

    Everything that the graph names is looked up first (compute targets, datastores, environments, datasets,
    parameters), declarations of the DAG file are applied and source directories are captured, so that what is wrong
    stops the run before its first step.

    Raises:
        UserErrorException: something that the graph or the parameters name is not there or not right.
    """
    known = services.registry.runs.find_pipeline(opening.dag_id, opening.dag_run_id, opening.group_id)
    if known is not None:
        return known
    parameters = resolve_parameters(graph, opening.parameters)
    _apply_declarations(services, graph)
    _check_names(services, graph)
    _save_datasets(services, graph)
    snapshots = _capture_all(services, graph) if opening.is_complete else {}
    return services.registry.runs.open_pipeline(
        opening.experiment,
        graph.name,
        dag_id=opening.dag_id,
        dag_run_id=opening.dag_run_id,
        group_id=opening.group_id,
        status="NotStarted",
        started_at=datetime.now(timezone.utc),
        graph_json=to_json(graph) if opening.is_complete else None,
        description=graph.description,
        tags=opening.tags,
        properties={
            "azureml.runsource": "azureml.PipelineRun",
            "runSource": opening.run_source,
            "runType": opening.run_source,
        },
        details={
            "parameters": parameters,
            "snapshots": cast(Json, snapshots),
            "continue_on_step_failure": opening.continue_on_failure,
            **opening.details,
        },
    )


def join_pipeline(services: Services, graph: Graph, opening: Opening) -> RunRecord:
    """
    Return the pipeline run that operators written by hand share, open for another step.

    Each of them knows its own step alone, so the run is closed after each and reopened by the next.
    """
    run = open_pipeline(services, graph, opening)
    for name, value in resolve_parameters(graph, opening.parameters).items():
        known = cast("dict[str, Json]", run.details.get("parameters") or {})
        if name not in known:
            run = services.registry.runs.set_details(run.id, {"parameters": {**known, name: value}})
    return services.registry.runs.reopen(run.id)


def close_if_idle(services: Services, run_id: str) -> None:
    """Close the run of operators written by hand if none of its steps is under way."""
    if all(step.is_final for step in services.registry.runs.steps(run_id)):
        close_pipeline(services, run_id)


@dataclass(frozen=True)
class Verdict:
    """How a pipeline run ended; `error` is empty unless it failed."""

    status: str
    error: Mapping[str, Json] = field(default_factory=dict)


def judge_pipeline(services: Services, run_id: str) -> Verdict:
    """
    Return how a pipeline run has ended, from its steps' runs.

    A run with a failed or canceled step is Failed, also when its other steps went on (v1), unless somebody canceled
    the run itself.
    """
    run = services.registry.runs.get(run_id)
    if run.is_final:
        return Verdict(run.status, run.error or {})
    if run.status == "CancelRequested":
        return Verdict("Canceled")
    failure = cast("Mapping[str, Json] | None", run.details.get("failure"))
    if failure:
        return Verdict("Failed", failure)
    for step in reversed(services.registry.runs.steps(run_id)):
        if step.status != "Completed":
            message = f"step {step.name!r} has not completed: it is {step.status}"
            return Verdict("Failed", {"code": "StepNotCompleted", "message": message, "step": step.name})
    return Verdict("Completed")


def close_pipeline(services: Services, run_id: str) -> Verdict:
    """Give the pipeline run its final status and return how it ended; a final one is left alone."""
    verdict = judge_pipeline(services, run_id)
    services.registry.runs.set_status(run_id, verdict.status, error=verdict.error or None)
    return verdict


def note_failure(services: Services, task: StepTask, run: RunRecord, error: BaseException) -> None:
    """Tell the pipeline run which step failed, so that its other steps can stop (v1's default) and its end is known."""
    failure: dict[str, Json] = {
        "code": type(error).__name__,
        "message": str(error) or type(error).__name__,
        "step": task.step.name,
        "step_run_id": run.id,
    }
    services.registry.runs.set_details(task.pipeline_run_id, {"failure": failure})


def stop_reason(run: RunRecord) -> str | None:
    """Return why steps of this pipeline run must not start or go on, or None."""
    if run.status in ("CancelRequested", "Canceled"):
        return "the pipeline run was canceled"
    failure = run.details.get("failure")
    if isinstance(failure, dict) and not run.details.get("continue_on_step_failure"):
        return f"step {failure.get('step')!r} of the pipeline failed"
    return None


def snapshot_of(services: Services, task: StepTask) -> Snapshot:
    """Return the step's snapshot, taken when the run was opened; operators written by hand take theirs here."""
    taken = cast("Mapping[str, Mapping[str, Json]]", task.pipeline.details.get("snapshots") or {}).get(task.step.id)
    if taken is None:
        taken = _capture(services, task.graph, task.step) if task.step.source_directory is not None else {}
    properties = cast("Mapping[str, str]", taken.get("properties") or {})
    return Snapshot(id=cast("str | None", taken.get("id")), properties=properties)


def _apply_declarations(services: Services, graph: Graph) -> None:
    """Create the compute targets that the DAG file created while it was parsed; those that exist are left alone."""
    for declaration in graph.compute_declarations:
        if services.registry.compute_targets.find(declaration.name) is None:
            services.registry.compute_targets.put(
                declaration.name, type=declaration.type, settings=declaration.settings
            )


def _check_names(services: Services, graph: Graph) -> None:
    for step in graph.steps:
        where = f"step {step.name!r}"
        if step.compute is not None and services.registry.compute_targets.find(step.compute) is None:
            known = ", ".join(sorted(item.name for item in services.registry.compute_targets.list())) or "none"
            raise ComputeTargetException(
                f"{where}: ComputeTargetNotFound: compute target {step.compute!r} is not in workspace"
                f" {services.registry.workspace.name!r}, which has: {known}; create it with ComputeTarget.create"
            )
        _refuse_distributed(step, where)
        references = [port.source.datastore for port in step.inputs if isinstance(port.source, DataReferenceSource)]
        for name in [*references, *(port.datastore for port in step.outputs if port.datastore)]:
            _check_datastore(services, name, where)
        environment = step.environment or {}
        if environment.get("by_reference"):
            services.registry.environments.get(str(environment["name"]), cast("str | None", environment.get("version")))


def _refuse_distributed(step: Step, where: str) -> None:
    """Refuse what one process on one machine cannot do, instead of doing less than was asked for."""
    nodes = step.run_settings.get("node_count", 1)
    communicator = step.run_settings.get("communicator")
    if nodes != 1 or communicator is not None:
        raise NotSupportedError(
            f"{where}: node_count {nodes!r} with communicator {communicator!r} asks for a distributed run, which is not"
            " available; use one node without a communicator"
        )


def _check_datastore(services: Services, name: str, where: str) -> None:
    try:
        services.store(name)
    except UserErrorException as error:
        raise error.at(where) from error


def _save_datasets(services: Services, graph: Graph) -> None:
    """Give every dataset of the graph its id, and look up those that are named, as v1 does at submit."""
    for step in graph.steps:
        for port in step.inputs:
            source = port.source
            if not isinstance(source, DatasetSource):
                continue
            if source.name is not None:
                services.registry.datasets.by_name(source.name, source.version)
            elif source.definition is not None:
                services.registry.datasets.save(source.definition)


def _capture_all(services: Services, graph: Graph) -> dict[str, dict[str, Json]]:
    """Capture every source directory once, whatever the number of steps that use it."""
    by_directory: dict[str, dict[str, Json]] = {}
    for step in graph.steps:
        if step.source_directory is not None and step.source_directory not in by_directory:
            by_directory[step.source_directory] = _capture(services, graph, step)
    return {step.id: by_directory[step.source_directory] for step in graph.steps if step.source_directory is not None}


def _capture(services: Services, graph: Graph, step: Step) -> dict[str, Json]:
    directory = Path(graph.base_directory or ".", step.source_directory or ".")
    if not directory.is_dir():
        raise UserErrorException(
            f"step {step.name!r}: source directory {str(directory)!r} is not there; it must lie beside the DAG file on"
            " every machine that starts runs"
        )
    if step.script is not None and not (directory / step.script).is_file():
        raise UserErrorException(f"step {step.name!r}: script not found at {str(directory / step.script)!r}")
    snapshot = capture(directory, services.artifacts)
    services.registry.snapshots.record(snapshot.id, files=len(snapshot.files), size=snapshot.size)
    return {"id": snapshot.id, "properties": cast(Json, dict(git_properties(directory)))}


def parameter_texts(run: RunRecord) -> dict[str, str]:
    """Return the run's parameter values as scripts see them."""
    values = cast("Mapping[str, Json]", run.details.get("parameters") or {})
    return {name: as_text(value) for name, value in values.items()}
