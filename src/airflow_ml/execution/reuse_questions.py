"""From a pipeline run as it is recorded to the question of reuse."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from airflow_ml.execution.captures import recorded_code, step_code
from airflow_ml.execution.records import newest_completed
from airflow_ml.execution.run_parameters import run_parameters
from airflow_ml.graph.reuse_modes import REUSE_MODES
from airflow_ml.reuse.decisions import Question

if TYPE_CHECKING:
    from airflow_ml.execution.captures import Snapshot
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Graph
    from airflow_ml.graph.reuse_modes import ReuseMode
    from airflow_ml.registry import OutputRecord, RunRecord

__all__ = ["completed_outputs", "mode_of", "question_of", "question_of_run"]


def mode_of(run: RunRecord) -> ReuseMode:
    """Return how a pipeline run uses results; `normal` where it does not say."""
    mode = run.details.get("reuse")
    return next((known for known in REUSE_MODES if known == mode), "normal")


def question_of_run(
    services: Services,
    graph: Graph,
    run: RunRecord,
    newest: Collection[RunRecord],
    *,
    wanted: Collection[str] | None = None,
) -> Question:
    """
    Return the question about the steps of a run that have not been tried yet.

    Args:
        newest: the newest attempt of each step.
        wanted: only these steps.
    """
    tried = {step.node_id for step in newest}
    asked = {step.id for step in graph.steps} if wanted is None else set(wanted)
    return Question(
        parameters=run_parameters(run),
        code=recorded_code(services, run),
        mode=mode_of(run),
        settled=completed_outputs(services, [step for step in newest if step.status == "Completed"]),
        wanted=asked - tried,
        run_id=run.id,
        keep_listings=True,
    )


def question_of(services: Services, task: StepTask, snapshot: Snapshot) -> Question:
    """Return the question about one step with this code, whose producers have all completed in the run."""
    code = step_code(services, task.step, snapshot)
    producers = [newest_completed(services, task.pipeline_run_id, name) for name in task.step.upstream]
    return Question(
        parameters=run_parameters(task.pipeline),
        code=lambda _step: code,
        mode=mode_of(task.pipeline),
        settled=completed_outputs(services, [run for run in producers if run is not None]),
        wanted=(task.step.id,),
        run_id=task.pipeline_run_id,
        handed_on=task.handed_on,
        keep_listings=True,
    )


def completed_outputs(services: Services, steps: Collection[RunRecord]) -> dict[str, Mapping[str, OutputRecord]]:
    """Return the outputs of completed step runs, by node."""
    outputs = services.registry.outputs.of_runs([step.id for step in steps])
    return {str(step.node_id): outputs.get(step.id, {}) for step in steps}
