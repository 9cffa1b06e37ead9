"""Pipeline runs: opened before their first step, watched while steps run, closed after the last one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, cast

from airflow_ml.compute.request import MASK
from airflow_ml.exceptions import AzureMLException, UserErrorException
from airflow_ml.execution.captures import capture_all
from airflow_ml.execution.graph_checks import check_graph
from airflow_ml.execution.leftovers import close_lost_attempt
from airflow_ml.execution.model import Verdict
from airflow_ml.execution.run_parameters import run_parameters
from airflow_ml.execution.script_runs import close_script_run, judge_script_run
from airflow_ml.graph import Graph, Json, Step, as_text, from_json, to_json
from airflow_ml.graph.secret_names import holds_secret, is_secret_name
from airflow_ml.registry import RunStateError
from airflow_ml.registry.sealed_json import MARK, sealed_parameters

if TYPE_CHECKING:
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import RunRecord

__all__ = [
    "Opening",
    "close_if_idle",
    "close_pipeline",
    "continue_run",
    "enter_pipeline",
    "join_pipeline",
    "judge_pipeline",
    "note_failure",
    "open_pipeline",
    "parameter_texts",
    "printable_parameters",
    "record_refusal",
    "stop_reason",
]


@dataclass(frozen=True)
class Opening:
    """
    What a pipeline run is opened with.

    Attributes:
        dag_run_id: with the DAG's id and the group's the place in Airflow that has one pipeline run.
        parameters: the values that were given; defaults fill in the rest.
        properties: of the run; they win over those that every pipeline run has.
        description: of the run; the graph's unless given.
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
    properties: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    is_complete: bool = True
    details: Mapping[str, Json] = field(default_factory=dict)


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
    parameters = check_graph(services, graph, opening.parameters)
    snapshots = capture_all(services, graph) if opening.is_complete else {}
    return services.registry.runs.open_pipeline(
        opening.experiment,
        graph.description or opening.experiment,
        dag_id=opening.dag_id,
        dag_run_id=opening.dag_run_id,
        group_id=opening.group_id,
        status="NotStarted",
        started_at=datetime.now(timezone.utc),
        graph_json=to_json(graph) if opening.is_complete else None,
        description=opening.description or graph.description,
        tags=opening.tags,
        properties={
            "azureml.runsource": "azureml.PipelineRun",
            "runSource": opening.run_source,
            "runType": opening.run_source,
            "azureml.parameters": json.dumps({name: as_text(value) for name, value in _masked(parameters).items()}),
            **opening.properties,
        },
        details={
            "parameters": sealed_parameters(parameters),
            "snapshots": cast(Json, snapshots),
            "continue_on_step_failure": opening.continue_on_failure,
            **opening.details,
        },
    )


def record_refusal(services: Services, graph: Graph, opening: Opening, error: AzureMLException) -> None:
    """
    Record a pipeline run that could not be opened, as Failed with the reason.

    It does not take the place in Airflow: when the cause is mended and the task cleared, a run is opened there.
    """
    experiment = services.registry.experiments.find(opening.experiment)
    if experiment is not None and experiment.archived_at is not None:
        return  # it takes no runs, not even this one
    run = services.registry.runs.create(
        opening.experiment,
        graph.description or opening.experiment,
        kind="pipeline",
        status="NotStarted",
        dag_id=opening.dag_id,
        description=graph.description,
        tags=opening.tags,
        properties={"azureml.runsource": "azureml.PipelineRun", "runSource": opening.run_source},
        details={"dag_run_id": opening.dag_run_id},
    )
    failure: dict[str, Json] = {"code": type(error).__name__, "message": str(error)}
    services.registry.runs.set_status(run.id, "Failed", error=failure)


def continue_run(services: Services, run_id: str) -> RunRecord:
    """
    Return the run, Running again if it had ended: a task of its DAG run was cleared.

    Raises:
        UserErrorException: it is a script run, which runs once.
    """
    runs = services.registry.runs
    run = runs.get(run_id)
    if not run.is_final:
        return run
    if run.kind == "script":
        raise UserErrorException(
            f"script run {run.name!r}: run {run_id} is {run.status}, and a script run is started once; submit it again"
        )
    return runs.reopen(run_id)


def enter_pipeline(services: Services, run_id: str, step_id: str) -> RunRecord:
    """
    Return the pipeline run, open for an attempt at a step.

    A run that had ended is Running again: its step's task was cleared. The failure of an earlier attempt at the same
    step no longer counts.
    """
    runs = services.registry.runs
    run = continue_run(services, run_id)
    failure = run.details.get("failure")
    if isinstance(failure, dict) and failure.get("step_id") == step_id:
        run = runs.set_details(run_id, {"failure": None})
    return run


def join_pipeline(services: Services, graph: Graph, opening: Opening) -> RunRecord:
    """
    Return the pipeline run that operators written by hand share, open for another step.

    Each of them knows its own step alone, so the run is closed after each and reopened by the next. A canceled one
    stays canceled.
    """
    run = open_pipeline(services, graph, opening)
    own = check_graph(services, graph, opening.parameters)
    if run.status == "Canceled":
        return run
    run = enter_pipeline(services, run.id, graph.steps[0].id)
    known = cast("dict[str, Json]", run.details.get("parameters") or {})
    if own.keys() - known.keys():
        run = services.registry.runs.set_details(run.id, {"parameters": {**sealed_parameters(own), **known}})
    return run


def close_if_idle(services: Services, run_id: str) -> None:
    """Close the run of operators written by hand if none of its steps is under way."""
    runs = services.registry.runs
    if any(not step.is_final for step in runs.steps(run_id)) or runs.get(run_id).status == "Canceled":
        return
    # Another operator that ended at the same time may have closed it before this step's end was recorded.
    runs.reopen(run_id)
    close_pipeline(services, run_id)


def judge_pipeline(services: Services, run_id: str) -> Verdict:
    """
    Return how a pipeline run has ended, from its steps' runs; or how a script run has, from its own record.

    A run with a failed or canceled step is Failed, also when its other steps went on (v1), unless somebody canceled
    the run itself.
    """
    run = services.registry.runs.get(run_id)
    if run.kind == "script":
        return judge_script_run(run)
    if run.is_final:
        return Verdict(run.status, run.error or {})
    if run.status == "CancelRequested":
        return Verdict("Canceled")
    failure = cast("Mapping[str, Json] | None", run.details.get("failure"))
    if failure:
        return Verdict("Failed", failure)
    steps = services.registry.runs.steps(run_id)
    for step in reversed(steps):
        if step.status != "Completed":
            reason = cast("str | None", (step.error or {}).get("message"))
            message = reason or f"step {step.name!r} has not completed: it is {step.status}"
            return Verdict("Failed", _failure("StepNotCompleted", message, step.name, step.node_id, step.id))
    missing = _find_missing(services, run_id, {step.node_id for step in steps})
    if missing is not None:
        message = f"step {missing.name!r} has not run: its task was skipped or failed before it began; see its log"
        return Verdict("Failed", _failure("StepNotRun", message, missing.name, missing.id, None))
    return Verdict("Completed")


def _find_missing(services: Services, run_id: str, recorded: set[str | None]) -> Step | None:
    text = services.registry.runs.graph(run_id, is_sealed=True)
    steps = from_json(text).steps if text is not None else ()
    return next((step for step in steps if step.id not in recorded), None)


def close_pipeline(services: Services, run_id: str) -> Verdict:
    """
    Give the run of a pipeline or a script its final status and return how it ended; a final one is left alone.

    Nothing of it runs any more: attempts whose task died without a word are closed, and what they left is cleared away.
    """
    run = services.registry.runs.get(run_id)
    if run.kind == "script":
        return close_script_run(services, run)
    for child in services.registry.runs.children(run_id):
        if child.kind == "step":
            close_lost_attempt(services.store, child)
    verdict = judge_pipeline(services, run_id)
    try:
        services.registry.runs.set_status(run_id, verdict.status, error=verdict.error or None)
    except RunStateError:  # another process has closed it meanwhile
        return judge_pipeline(services, run_id)
    return verdict


def note_failure(services: Services, task: StepTask, run: RunRecord, error: BaseException) -> None:
    """
    Tell the pipeline run which step failed, so that its other steps can stop (v1's default) and its end is known.

    The first failure is the one that counts. A script run has no other steps, and its own record says how it ended.
    """
    if run.id == task.pipeline_run_id:
        return
    if services.registry.runs.get(task.pipeline_run_id).details.get("failure"):
        return
    message = str(error) or type(error).__name__
    failure = _failure(type(error).__name__, message, task.step.name, task.step.id, run.id)
    services.registry.runs.set_details(task.pipeline_run_id, {"failure": failure})


def _failure(code: str, message: str, step: str, step_id: str | None, run_id: str | None) -> dict[str, Json]:
    return {"code": code, "message": message, "step": step, "step_id": step_id, "step_run_id": run_id}


def stop_reason(run: RunRecord) -> str | None:
    """Return why steps of this pipeline run, or the script of this script run, must not start or go on, or None."""
    if run.status in ("CancelRequested", "Canceled"):
        return f"the {run.kind} run was canceled"
    if run.kind == "script" and run.status == "Failed":
        return "the script run was marked as failed"
    failure = run.details.get("failure")
    if isinstance(failure, dict) and not run.details.get("continue_on_step_failure"):
        return f"step {failure.get('step')!r} of the pipeline failed"
    return None


def printable_parameters(run: RunRecord) -> dict[str, Json]:
    """Return the run's parameter values for logs and XComs; values of secret-looking names are masked."""
    values = _masked(cast("Mapping[str, Json]", run.details.get("parameters") or {}))
    return {name: MASK if MARK in json.dumps(value) else value for name, value in values.items()}


def _masked(values: Mapping[str, Json]) -> dict[str, Json]:
    return {name: MASK if _is_secret(name, value) else value for name, value in values.items()}


def _is_secret(name: str, value: Json) -> bool:
    return bool(value) and (is_secret_name(name) or (isinstance(value, str) and holds_secret(value)))


def parameter_texts(run: RunRecord) -> dict[str, str]:
    """Return the run's parameter values as scripts see them."""
    return {name: as_text(value) for name, value in run_parameters(run).items()}
