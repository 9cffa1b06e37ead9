"""
One attempt at a step, from inputs to committed outputs: the story that the other modules of this room tell in detail.

The phases, in this order: record the attempt, stage code and inputs, launch, follow, collect, commit, record the end.
Before them stands the admission (`airflow_ml.execution.reusing`), which clears away what an earlier attempt left and
takes the fingerprint's lease. An attempt that dies leaves its run directory, a lease that nobody renews and a record
that is not final; the next attempt of the same step finds them, ends what still runs and starts again, or goes on with
its container (`airflow_ml.execution.resuming`). Outputs are addressed by the attempt's own run id, so what a dead
attempt left half committed is never read by anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.attempt import Attempt, workplace
from airflow_ml.execution.captures import Snapshot, snapshot_of
from airflow_ml.execution.failures import failures_recorded, record_failure
from airflow_ml.execution.leases import held_for_attempt, renewing
from airflow_ml.execution.nodes import bring_together, meeting_of
from airflow_ml.execution.offering import still_offered
from airflow_ml.execution.outputs import commit_outputs
from airflow_ml.execution.preparation import prepare
from airflow_ml.execution.reads import Reads
from airflow_ml.execution.records import begin_attempt, end_attempt
from airflow_ml.execution.running import finish_script, run_script
from airflow_ml.execution.script_runs import begin_script_run
from airflow_ml.execution.stopping import StepStopped, StopWatch
from airflow_ml.execution.transfers import transfer
from airflow_ml.runtime.protocol import RunDirectory

if TYPE_CHECKING:
    from airflow_ml.execution.admission import Admitted
    from airflow_ml.execution.attempt import Control
    from airflow_ml.execution.model import StepResult, StepTask
    from airflow_ml.execution.resuming import Survivor
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import RunRecord
    from airflow_ml.storage.manifests import Manifest

__all__ = ["run_step"]

#: The committed outputs of a step, and the states of the files that it read, by their names.
_Work: TypeAlias = "tuple[Mapping[str, Manifest], Mapping[str, str]]"


def run_step(services: Services, task: StepTask, admitted: Admitted, control: Control) -> StepResult:
    """
    Run one attempt at a step that was admitted, and return its committed result.

    Raises:
        LeaseLostError: another run has taken over the computation; asking for admission again gets its result.
        StepFailedError: the script failed or did not write what it declared; trying again does not help.
        StepStopped: it was stopped from outside.
        ServiceException: storage, registry or the machine failed; trying again can help.
        UserErrorException: what the step asks for cannot be had; trying again does not help.
    """
    survivor = admitted.survivor
    with held_for_attempt(services, admitted):
        run = _begin(services, task, admitted, control) if survivor is None else _go_on(survivor, control)
    directory = RunDirectory(services.run_directory(run.id))
    with (
        workplace(run, directory, () if survivor is None else survivor.outside) as place,
        failures_recorded(services, task, run, control.is_retried),
        renewing(services, admitted) as renewal,
        meeting_of(services, task, run, control.log) as meeting,
    ):
        watch = StopWatch(services, task, run, lambda: control.is_stopped() or renewal.is_lost or meeting.is_broken)
        attempt = Attempt(services, task, run, control, place, meeting, watch, Reads(services, run))
        try:
            outputs, states = _WORK.get(task.step.kind, _compute)(attempt, survivor)
        except StepStopped:
            renewal.refuse_lost()
            meeting.refuse_trouble()
            raise
        offered = still_offered(attempt, admitted, states)
        return end_attempt(attempt, outputs, offered)


def _compute(attempt: Attempt, survivor: Survivor | None) -> _Work:
    """Run the step's script, or follow it to its end if an earlier process has started it."""
    if survivor is None:
        prepared = prepare(attempt)
        attempt.watch.refuse_stopped()
        run_script(attempt, prepared)
    else:
        prepared = survivor.prepared()
        finish_script(attempt, survivor, prepared)
    bring_together(attempt, prepared.outputs)
    attempt.watch.refuse_stopped()
    return commit_outputs(attempt, prepared.outputs), prepared.states


def _copy(attempt: Attempt, _survivor: Survivor | None) -> _Work:
    """Copy data; there is no script."""
    services, task, run = attempt.services, attempt.task, attempt.run
    done = transfer(services, task, run, attempt.directory, attempt.watch, attempt.log)
    attempt.watch.refuse_stopped()
    return done.outputs, done.states


#: What a step does, by its kind, if it does not run a script.
_WORK: Mapping[str, Callable[[Attempt, Survivor | None], _Work]] = {"data_transfer": _copy}


def _go_on(survivor: Survivor, control: Control) -> RunRecord:
    control.started(survivor.run.id)
    return survivor.run


def _begin(services: Services, task: StepTask, admitted: Admitted, control: Control) -> RunRecord:
    """Record the attempt; also one whose code cannot be captured any more, with that as its error."""
    if task.graph.is_script_run:
        control.started(task.pipeline_run_id)
        return begin_script_run(services, task)
    try:
        snapshot = admitted.snapshot or snapshot_of(services, task)
    except AzureMLException as error:
        run = begin_attempt(services, task, Snapshot(None), admitted)
        control.started(run.id)
        record_failure(services, task, run, error, control.is_retried)
        raise
    run = begin_attempt(services, task, snapshot, admitted)
    control.started(run.id)
    return run
