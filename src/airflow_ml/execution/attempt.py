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

import shutil
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from airflow_ml.compute.container_step import StepTakenOverError
from airflow_ml.compute.launcher import RunningStep
from airflow_ml.compute.request import Outcome, ProcessRequest
from airflow_ml.exceptions import AzureMLException, StepFailedError, StepTimeoutError
from airflow_ml.execution.admission import Admitted
from airflow_ml.execution.answers import Answers
from airflow_ml.execution.artifacts import collect_files
from airflow_ml.execution.captures import Snapshot, snapshot_of
from airflow_ml.execution.devices import Devices, leased
from airflow_ml.execution.distributed import Layout
from airflow_ml.execution.failures import describe_full_disk, failures_recorded, record_failure
from airflow_ml.execution.following import Follower
from airflow_ml.execution.fuse_mounts import FuseMounts
from airflow_ml.execution.kept_attempts import KeptAttempt, KeptFacts
from airflow_ml.execution.launching import launcher_of
from airflow_ml.execution.leases import held_for_attempt, renewing
from airflow_ml.execution.leftovers import remove_place
from airflow_ml.execution.meeting import Meeting
from airflow_ml.execution.model import LogLine, StepResult, StepTask
from airflow_ml.execution.nodes import as_ranks, bring_together, meeting_of
from airflow_ml.execution.offering import still_offered
from airflow_ml.execution.outputs import commit_outputs
from airflow_ml.execution.preparation import Prepared, prepare
from airflow_ml.execution.rank_plans import describe_failure
from airflow_ml.execution.reads import Reads
from airflow_ml.execution.records import begin_attempt, end_attempt
from airflow_ml.execution.resuming import Survivor
from airflow_ml.execution.script_runs import begin_script_run
from airflow_ml.execution.services import Services
from airflow_ml.execution.stopping import StepStopped, StopWatch
from airflow_ml.execution.transfers import transfer
from airflow_ml.registry import RunRecord, RunStateError
from airflow_ml.runtime.channel_server import ChannelServer
from airflow_ml.runtime.protocol import RunDirectory

__all__ = ["Control", "StepStopped", "run_script", "run_step"]

#: Seconds between two looks at a running script's log and events: what "live" means.
_FOLLOW_SECONDS = 0.25


@dataclass(frozen=True)
class Control:
    """
    How the caller watches and ends an attempt.

    Attributes:
        is_stopped: asked often; True ends the script.
        log: receives the task's log line by line, the script's output included.
        started: told the step run's id as soon as there is one.
        is_retried: whether the caller tries again after this error; the pipeline run fails by it otherwise.
    """

    is_stopped: Callable[[], bool]
    log: LogLine
    started: Callable[[str], None]
    is_retried: Callable[[BaseException], bool] = lambda _error: False


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
    is_ours = True
    outside = [] if survivor is None else survivor.outside
    mounts = FuseMounts(run.id, Path(directory.root))
    launched = ExitStack()
    try:
        with (
            failures_recorded(services, task, run, control.is_retried),
            renewing(services, admitted) as renewal,
            meeting_of(services, task, run, control.log) as meeting,
        ):
            watch = StopWatch(services, task, run, lambda: control.is_stopped() or renewal.is_lost or meeting.is_broken)
            try:
                reads = Reads(services, run)
                if task.step.kind == "data_transfer":
                    transferred = transfer(services, task, run, directory, watch, control.log)
                    outputs, states = transferred.outputs, transferred.states
                else:
                    if survivor is None:
                        prepared = prepare(services, task, run, directory, outside, mounts, watch, control.log)
                        launched.callback(prepared.close)
                        watch.refuse_stopped()
                        run_script(services, task, run, prepared, mounts, watch, control, reads, launched, meeting)
                    else:
                        prepared = survivor.prepared()
                        finish_script(services, task, survivor, prepared, watch, control, reads, launched)
                    bring_together(services, task, run, meeting, watch, prepared.outputs)
                    states = prepared.states
                watch.refuse_stopped()
            except StepStopped:
                renewal.refuse_lost()
                meeting.refuse_trouble()
                raise
            if task.step.kind != "data_transfer":
                outputs = commit_outputs(services, task, run, prepared.outputs, control.log)
            offered = still_offered(services, task, run, admitted, states, reads, control.log)
            return end_attempt(services, task, run, outputs, offered, reads)
    except StepTakenOverError:  # nothing of it is ours any more
        outside, is_ours = [], False
        raise
    finally:
        launched.close()
        mounts.close()
        for place in outside:
            remove_place(place)
        if is_ours:
            shutil.rmtree(directory.root, ignore_errors=True)


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


def run_script(
    services: Services,
    task: StepTask,
    run: RunRecord,
    prepared: Prepared,
    mounts: FuseMounts,
    watch: StopWatch,
    control: Control,
    reads: Reads,
    launched: ExitStack,
    meeting: Meeting,
) -> None:
    """Run the script to its end and keep its log and files; raise if it did not end well."""
    try:
        meeting.assemble(watch)
        marker = Path(prepared.directory.root).name
        with leased(services, task, run, watch, control.log, marker=marker) as devices:
            meeting.begin_together(watch)
            prepared = as_ranks(services, meeting, prepared)
            launcher, kept = launcher_of(services, task), _kept(prepared)

            def start() -> RunningStep:
                if kept is not None:
                    launched.callback(kept.remove)
                    can_resume = meeting.layout is None and not mounts.are_used
                    kept.begin(_facts(prepared, devices, can_resume=can_resume))
                running = launcher.launch(_request(prepared, devices))
                watch.start_clock()
                return running

            outcome = _follow(services, run, prepared, start, watch, control, reads, launched, kept)
            if not (outcome.succeeded or outcome.is_stopped):
                devices.refuse_lost(task.title)
    finally:
        # Kept whatever happened: the log of a script that failed is what people look at.
        problem = _collect(services, run, prepared.directory, control.log, meeting.node or 0)
    if not outcome.is_stopped:
        _check_mounts(task, mounts)
    _check(task, outcome, watch, prepared.directory, meeting.layout)
    if outcome.is_cut:
        reads.refuse("its script left processes running, which were ended and may have been writing")
    if problem is not None:
        raise problem


def finish_script(
    services: Services,
    task: StepTask,
    survivor: Survivor,
    prepared: Prepared,
    watch: StopWatch,
    control: Control,
    reads: Reads,
    launched: ExitStack,
) -> None:
    """Follow a script that an earlier process has started, as `run_script` does; its keeper has its devices."""
    run, kept = survivor.run, survivor.kept
    if kept.has_answered:
        reads.refuse("its script asked an earlier process for things, which died")
    launched.callback(kept.remove)

    def start() -> RunningStep:
        watch.start_clock(survivor.step.started_at)
        return survivor.step

    try:
        outcome = _follow(services, run, prepared, start, watch, control, reads, launched, kept)
    finally:
        problem = None if not kept.is_ours else _collect(services, run, prepared.directory, control.log, 0)
    _check(task, outcome, watch, prepared.directory, None)
    if outcome.is_cut:
        reads.refuse("its script left processes running, which were ended and may have been writing")
    if problem is not None:
        raise problem


def _follow(
    services: Services,
    run: RunRecord,
    prepared: Prepared,
    start: Callable[[], RunningStep],
    watch: StopWatch,
    control: Control,
    reads: Reads,
    launched: ExitStack,
    kept: KeptAttempt | None,
) -> Outcome:
    """Start the script and return its end; what is left of it then is kept until `launched` is closed."""
    directory = prepared.directory
    follower = Follower(services, run, directory, control.log, kept)
    root: Future[Path] | None = Future() if prepared.binds else None
    handlers = reads.watching(Answers(services, run, directory, root).handlers())
    with ChannelServer(directory.channel, handlers if kept is None else kept.noting(handlers)):
        running = start()
        launched.callback(running.close)
        if root is not None:
            root.set_result(Path(f"/proc/{running.pid}/root"))
        try:
            with suppress(RunStateError):  # canceled meanwhile: the watch sees it
                services.registry.runs.set_status(run.id, "Running", expected=("Preparing", "Queued"))
            while (outcome := running.wait(timeout=_FOLLOW_SECONDS)) is None:
                follower.look()
                if watch.reason() is not None:
                    running.stop()
        except StepTakenOverError:
            if kept is not None:
                kept.give_over()
            raise
        finally:
            if kept is None or kept.is_ours:
                running.settle()
                follower.finish()
    return outcome


def _kept(prepared: Prepared) -> KeptAttempt | None:
    """Return where an attempt is kept for the next try: one whose script outlives this process."""
    return None if prepared.container is None else KeptAttempt(Path(prepared.directory.root))


def _facts(prepared: Prepared, devices: Devices, *, can_resume: bool) -> KeptFacts:
    assert prepared.container is not None
    return KeptFacts.of_container(
        prepared.container,
        outputs={name: str(place) for name, place in prepared.outputs.items()},
        states=dict(prepared.states),
        outside=[str(place) for place in prepared.outside],
        devices=list(devices.ids),
        is_resumable=can_resume,
    )


def _request(prepared: Prepared, devices: Devices) -> ProcessRequest:
    directory = prepared.directory
    return ProcessRequest(
        argv=prepared.argv,
        cwd=Path(directory.code),
        environment={**prepared.environment, **devices.environment},
        log_path=Path(directory.log),
        attempt_directory=Path(directory.root),
        marker=Path(directory.root).name,  # the run's id, and the node's number on other nodes than the first
        binds=tuple((bind.source, bind.target) for bind in prepared.binds),
        held=(*devices.held, *prepared.held),
        devices=devices.ids,
        container=prepared.container,
    )


def _collect(services: Services, run: RunRecord, directory: RunDirectory, log: LogLine, node: int) -> Exception | None:
    """Store the script's log and files; returns what went wrong, because the script's own failure comes first."""
    try:
        for sentence in collect_files(services.store, run.id, directory, node=node):
            log(sentence)
    except (AzureMLException, OSError) as error:
        log(f"log and files of the script could not be stored: {error}")
        return error
    return None


def _check_mounts(task: StepTask, mounts: FuseMounts) -> None:
    try:
        mounts.refuse_dead()
    except AzureMLException as error:
        raise error.at(task.title) from error


def _check(task: StepTask, outcome: Outcome, watch: StopWatch, directory: RunDirectory, layout: Layout | None) -> None:
    """Turn anything but a script that ended by itself with exit code 0 into an error that says what happened."""
    where = task.title
    if watch.is_over_time:
        raise StepTimeoutError(
            f"{where}: its script was stopped because it ran longer than max_run_duration_seconds={watch.limit!r};"
            " raise the limit or make the script faster"
        )
    if outcome.is_stopped:
        raise StepStopped(f"{where} was stopped while its script ran: {watch.reason() or 'it was asked to end'}")
    if not outcome.succeeded:
        program = "its command" if task.step.script is None else f"script {task.step.script!r}"
        failure = None if layout is None else describe_failure(layout, directory)
        if failure is not None:
            raise StepFailedError(f"{where}: {program}: {failure}{describe_full_disk(Path(directory.root))}")
        raise StepFailedError(
            f"{where}: {program} {outcome}; its output is in the task's log and in"
            f" user_logs/std_log.txt of the run{describe_full_disk(Path(directory.root))}"
        )
