"""
Runs of submitted scripts (`ScriptRunConfig`): each is one record, and its own one attempt.

A pipeline's step has a run for every attempt below the pipeline's run. A script run has no other steps and no parent
of that kind, so the record that is opened at submit is the one that the script writes to. It is started once: an
attempt that was lost, by whatever cause, is the end of the run, and submitting again is a new run (v1 behaviour).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow_ml.exceptions import StepFailedError
from airflow_ml.execution.captures import capture_step
from airflow_ml.execution.graph_checks import check_graph
from airflow_ml.execution.leftovers import close_lost_attempt, lost
from airflow_ml.execution.model import Verdict
from airflow_ml.graph import Graph, Json, to_json

if TYPE_CHECKING:
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import RunRecord

__all__ = ["ScriptOpening", "begin_script_run", "close_script_run", "judge_script_run", "open_script_run"]

#: Before its script is prepared, a run has one of these.
_NOT_BEGUN = ("NotStarted", "Queued", "CancelRequested")


@dataclass(frozen=True)
class ScriptOpening:
    """
    What a script run is opened with.

    Attributes:
        parent_id: the run that it is submitted below (`Run.submit_child`).
        run_id: None makes one up.
    """

    experiment: str
    dag_id: str
    dag_run_id: str
    tags: Mapping[str, str] = field(default_factory=dict)
    parent_id: str | None = None
    run_id: str | None = None
    details: Mapping[str, Json] = field(default_factory=dict)


def open_script_run(services: Services, graph: Graph, opening: ScriptOpening) -> RunRecord:
    """
    Record the run of a graph that is one script.

    What the graph names is looked up and the source directory is captured first, as for pipelines.

    Raises:
        UserErrorException: something that the graph names is not there or not right, or the run id is taken.
    """
    check_graph(services, graph, {})
    [step] = graph.steps
    snapshot = capture_step(services, graph, step)
    return services.registry.runs.create(
        opening.experiment,
        step.name,
        kind="script",
        parent_id=opening.parent_id,
        status="NotStarted",
        dag_id=opening.dag_id,
        dag_run_id=opening.dag_run_id,
        target=step.compute or "local",
        snapshot_id=snapshot.id,
        graph_json=to_json(graph),
        tags=opening.tags,
        properties={
            "_azureml.ComputeTargetType": _compute_type(services, step.compute),
            **({} if snapshot.id is None else {"ContentSnapshotId": snapshot.id}),
            **snapshot.properties,
        },
        details=opening.details,
        id=opening.run_id or "",  # none makes one up
    )


def _compute_type(services: Services, compute: str | None) -> str:
    """Return v1's word for the kind of compute, which it keeps in lower case."""
    return "local" if compute is None else services.registry.compute_targets.get(compute).type.lower()


def begin_script_run(services: Services, task: StepTask) -> RunRecord:
    """
    Return the run, being prepared.

    Raises:
        StepFailedError: it was begun before, and the task that did died; the run is closed.
        RunStateError: it was canceled in this moment.
    """
    runs = services.registry.runs
    run = runs.get(task.pipeline_run_id)
    if run.status in _NOT_BEGUN:
        return runs.set_status(
            run.id, "Preparing", started_at=datetime.now(timezone.utc), expected=("NotStarted", "Queued")
        )
    message = f"{task.title}: its task died while the script ran; submit it again"
    close_lost_attempt(services.store, run, lost(message))
    raise StepFailedError(message)


def judge_script_run(run: RunRecord) -> Verdict:
    """Return how a script run has ended."""
    if run.is_final:
        return Verdict(run.status, run.error or {})
    if run.status == "CancelRequested":
        return Verdict("Canceled")
    failure = run.details.get("failure")
    if isinstance(failure, dict):
        return Verdict("Failed", failure)
    happened = "was not started" if run.status in _NOT_BEGUN else "died while the script ran"
    message = f"script run {run.name!r}: its task {happened}; see the task's log, and submit it again"
    return lost(message)


def close_script_run(services: Services, run: RunRecord) -> Verdict:
    """Give the run its final status if its task has not, clear away what is left of it, and return how it ended."""
    close_lost_attempt(services.store, run, judge_script_run(run))
    return judge_script_run(services.registry.runs.get(run.id))
