"""
What the task of another node than the first does: it finds the attempt that the first node makes, and takes part in it.

It records nothing of its own: metrics, events and logs of its processes are those of the step's run, and its outputs
go to the first node. It ends when the first node has committed; when the attempt fails, it fails with it.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.compute.orphans import kill_orphans
from airflow_ml.execution.attempt import Attempt, workplace
from airflow_ml.execution.meeting import LOST_SECONDS, Meeting, attending
from airflow_ml.execution.nodes import hand_in, layout_in_run, node_directory
from airflow_ml.execution.preparation import prepare
from airflow_ml.execution.reads import Reads
from airflow_ml.execution.running import run_script
from airflow_ml.execution.stopping import StepStopped, StopWatch

if TYPE_CHECKING:
    from airflow_ml.execution.attempt import Control
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import RunRecord

__all__ = ["find_meeting", "is_needed", "run_node"]


def is_needed(task: StepTask, node: int) -> bool:
    """Whether the step has so many nodes in this run; a parameter may say fewer than the DAG has tasks for."""
    layout = layout_in_run(task)
    return layout is not None and node < layout.nodes


def find_meeting(services: Services, task: StepTask) -> RunRecord | None:
    """Return the step run whose nodes meet now, or None if the first node is not there, or not yet."""
    runs = services.registry.runs
    if task.graph.is_script_run:
        attempts = [runs.get(task.pipeline_run_id)]
    else:
        attempts = [*runs.attempts(task.pipeline_run_id, task.step.id)][:1]
    for run in attempts:
        first = [item for item in services.registry.meetings.nodes(run.id) if item.node == 0]
        is_open = any(item.state == "coming" and item.silent_for < LOST_SECONDS for item in first)
        if is_open and not run.is_final:
            return run
    return None


def run_node(services: Services, task: StepTask, run: RunRecord, node: int, control: Control) -> None:
    """
    Do one node's part in an attempt, to its end.

    Raises:
        StepFailedError: a script has failed, here or on another node.
        StepStopped: it was stopped from outside.
        ServiceException: another node is lost, or storage, registry or the machine failed; trying again can help.
    """
    _clear_away(services, task, node)
    control.started(run.id)
    with (
        workplace(run, node_directory(services, run, node)) as place,
        attending(Meeting(services, run.id, layout_in_run(task), node, task.title)) as meeting,
    ):
        watch = StopWatch(services, task, run, lambda: control.is_stopped() or meeting.is_broken)
        try:
            _do_part(Attempt(services, task, run, control, place, meeting, watch, Reads(services, run)), node)
        except StepStopped:
            # The first node closes the run a moment before it says so.
            if services.registry.runs.get(run.id).status != "Completed":
                meeting.refuse_trouble()
                raise


def _do_part(attempt: Attempt, node: int) -> None:
    prepared = prepare(attempt)
    attempt.watch.refuse_stopped()
    run_script(attempt, prepared)
    hand_in(attempt.services, attempt.run, node, prepared.outputs)
    attempt.meeting.end_together(attempt.watch)
    attempt.meeting.wait_for_end(attempt.watch)


def _clear_away(services: Services, task: StepTask, node: int) -> None:
    """End and remove what an earlier task of this node has left on this machine."""
    for run in services.registry.runs.attempts(task.pipeline_run_id, task.step.id):
        place = Path(node_directory(services, run, node).root)
        if place.exists():
            kill_orphans(place.name)
            shutil.rmtree(place, ignore_errors=True)
