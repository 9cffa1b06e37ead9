"""
Running the script of a prepared attempt: it is launched, followed and judged, and its log and files are kept.

A script in a container outlives this process. What the next try needs to go on with it is kept beside its run directory
before it is launched (`airflow_ml.execution.kept_attempts`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.compute.container_step import StepTakenOverError
from airflow_ml.compute.request import ProcessRequest
from airflow_ml.exceptions import AzureMLException, StepFailedError, StepTimeoutError
from airflow_ml.execution.answers import Answers
from airflow_ml.execution.artifacts import collect_files
from airflow_ml.execution.devices import leased
from airflow_ml.execution.failures import describe_full_disk
from airflow_ml.execution.following import Follower
from airflow_ml.execution.kept_attempts import KeptAttempt, KeptFacts
from airflow_ml.execution.nodes import as_ranks
from airflow_ml.execution.rank_plans import describe_failure
from airflow_ml.execution.stopping import StepStopped
from airflow_ml.registry import RunStateError
from airflow_ml.runtime.channel_server import ChannelServer

if TYPE_CHECKING:
    from airflow_ml.compute.launcher import RunningStep
    from airflow_ml.compute.request import Outcome
    from airflow_ml.execution.attempt import Attempt
    from airflow_ml.execution.devices import Devices
    from airflow_ml.execution.preparation import Prepared
    from airflow_ml.execution.resuming import Survivor

__all__ = ["finish_script", "run_script"]

#: Seconds between two looks at a running script's log and events: what "live" means.
_FOLLOW_SECONDS = 0.25


def run_script(attempt: Attempt, prepared: Prepared) -> None:
    """
    Run the script to its end, together with those of the step's other nodes.

    Raises:
        StepFailedError: it has failed.
        StepTimeoutError: it was stopped because its time was over.
        StepStopped: it was stopped from outside.
        ServiceException: a device, a mount, another node or the machine was lost; trying again can help.
    """
    kept = None if prepared.container is None else KeptAttempt(attempt.root)
    with _files_kept(attempt, kept):
        attempt.meeting.assemble(attempt.watch)
        with leased(attempt) as devices:
            attempt.meeting.begin_together(attempt.watch)
            ready = as_ranks(attempt, prepared)
            outcome = _follow(attempt, ready, kept, lambda: _launch(attempt, ready, devices, kept))
            if not (outcome.succeeded or outcome.is_stopped):
                devices.refuse_lost(attempt.title)
        _judge(attempt, outcome)


def finish_script(attempt: Attempt, survivor: Survivor, prepared: Prepared) -> None:
    """
    Follow a script that an earlier process has started to its end; its keeper has its devices.

    Raises:
        AzureMLException: as `run_script`.
    """
    kept = survivor.kept
    if kept.has_answered:
        attempt.reads.refuse("its script asked an earlier process for things, which died")
    with _files_kept(attempt, kept):
        _judge(attempt, _follow(attempt, prepared, kept, lambda: _take_over(attempt, survivor)))


def _launch(attempt: Attempt, prepared: Prepared, devices: Devices, kept: KeptAttempt | None) -> RunningStep:
    if kept is not None:
        kept.begin(_facts(attempt, prepared, devices))
    step = attempt.launcher.launch(_request(attempt, prepared, devices))
    attempt.watch.start_clock()
    return step


def _take_over(attempt: Attempt, survivor: Survivor) -> RunningStep:
    attempt.watch.start_clock(survivor.step.started_at)
    return survivor.step


def _follow(
    attempt: Attempt, prepared: Prepared, kept: KeptAttempt | None, start: Callable[[], RunningStep]
) -> Outcome:
    """Start the script and return its end; what is left of it then is closed with the attempt."""
    services, run, directory, ending = attempt.services, attempt.run, attempt.directory, attempt.place.ending
    follower = Follower(services, run, directory, attempt.log, kept)
    root: Future[Path] | None = Future() if prepared.binds else None
    handlers = attempt.reads.watching(Answers(services, run, directory, root).handlers())
    if kept is not None:
        ending.callback(kept.remove)
        handlers = kept.noting(handlers)
    with ChannelServer(directory.channel, handlers):
        running = start()
        ending.callback(running.close)
        if root is not None:
            root.set_result(Path(f"/proc/{running.pid}/root"))
        try:
            with suppress(RunStateError):  # canceled meanwhile: the watch sees it
                services.registry.runs.set_status(run.id, "Running", expected=("Preparing", "Queued"))
            while (outcome := running.wait(timeout=_FOLLOW_SECONDS)) is None:
                follower.look()
                if attempt.watch.reason() is not None:
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


def _facts(attempt: Attempt, prepared: Prepared, devices: Devices) -> KeptFacts:
    assert prepared.container is not None
    return KeptFacts.of_container(
        prepared.container,
        outputs={name: str(place) for name, place in prepared.outputs.items()},
        states=dict(prepared.states),
        outside=[str(place) for place in attempt.place.outside],
        devices=list(devices.ids),
        is_resumable=attempt.meeting.layout is None and not attempt.place.mounts.are_used,
    )


def _request(attempt: Attempt, prepared: Prepared, devices: Devices) -> ProcessRequest:
    return ProcessRequest(
        argv=prepared.argv,
        cwd=Path(attempt.directory.code),
        environment={**prepared.environment, **devices.environment},
        log_path=Path(attempt.directory.log),
        attempt_directory=attempt.root,
        marker=attempt.marker,
        binds=tuple((bind.source, bind.target) for bind in prepared.binds),
        held=(*devices.held, *prepared.held),
        devices=devices.ids,
        container=prepared.container,
    )


@contextmanager
def _files_kept(attempt: Attempt, kept: KeptAttempt | None) -> Iterator[None]:
    """
    Store the script's log and files at the end of the block, whatever happened: they are what people look at.

    What went wrong in the block goes before what goes wrong here. An attempt that another process has taken over is
    that one's, with its files.
    """
    try:
        yield
    except BaseException:
        if kept is None or kept.is_ours:
            _collect(attempt)
        raise
    problem = _collect(attempt)
    if problem is not None:
        raise problem


def _collect(attempt: Attempt) -> Exception | None:
    """Store the script's log and files; what goes wrong is returned, and said in the log."""
    services, node = attempt.services, attempt.meeting.node or 0
    try:
        for sentence in collect_files(services.store, attempt.run.id, attempt.directory, node=node):
            attempt.log(sentence)
    except (AzureMLException, OSError) as error:
        attempt.log(f"log and files of the script could not be stored: {error}")
        return error
    return None


def _judge(attempt: Attempt, outcome: Outcome) -> None:
    """Turn anything but a script that ended by itself with exit code 0 into an error that says what happened."""
    where, watch = attempt.title, attempt.watch
    if not outcome.is_stopped:
        _refuse_dead_mounts(attempt)
    if watch.is_over_time:
        raise StepTimeoutError(
            f"{where}: its script was stopped because it ran longer than max_run_duration_seconds={watch.limit!r};"
            " raise the limit or make the script faster"
        )
    if outcome.is_stopped:
        raise StepStopped(f"{where} was stopped while its script ran: {watch.reason() or 'it was asked to end'}")
    if not outcome.succeeded:
        raise StepFailedError(f"{where}: {_describe(attempt, outcome)}{describe_full_disk(attempt.root)}")
    if outcome.is_cut:
        attempt.reads.refuse("its script left processes running, which were ended and may have been writing")


def _refuse_dead_mounts(attempt: Attempt) -> None:
    try:
        attempt.place.mounts.refuse_dead()
    except AzureMLException as error:
        raise error.at(attempt.title) from error


def _describe(attempt: Attempt, outcome: Outcome) -> str:
    """Say how a script has failed; of a distributed step, on which rank."""
    script, layout = attempt.task.step.script, attempt.meeting.layout
    program = "its command" if script is None else f"script {script!r}"
    failure = None if layout is None else describe_failure(layout, attempt.directory)
    if failure is not None:
        return f"{program}: {failure}"
    return f"{program} {outcome}; its output is in the task's log and in user_logs/std_log.txt of the run"
