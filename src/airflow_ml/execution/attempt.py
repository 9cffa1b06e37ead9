"""
One attempt at a step, from inputs to committed outputs: the story that the other modules of this room tell in detail.

The phases, in this order: clean up after an earlier attempt, record the attempt, stage code and inputs, launch,
follow, collect, commit, record the end. An attempt that dies in any of them leaves its run directory and a record
that is not final; the next attempt of the same step finds both, ends what still runs and starts again. Outputs are
addressed by the attempt's own run id, so what a dead attempt left half committed is never read by anybody.
"""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from airflow_ml.compute.orphans import kill_orphans
from airflow_ml.compute.request import Outcome, ProcessRequest
from airflow_ml.exceptions import AzureMLException, ServiceException, StepFailedError
from airflow_ml.execution.answers import Answers
from airflow_ml.execution.artifacts import collect_files
from airflow_ml.execution.following import Follower
from airflow_ml.execution.model import LogLine, StepResult, StepTask
from airflow_ml.execution.outputs import commit_outputs
from airflow_ml.execution.pipelines import note_failure, stop_reason
from airflow_ml.execution.preparation import Prepared, prepare
from airflow_ml.execution.records import begin_attempt, end_attempt, end_lost_attempt
from airflow_ml.execution.services import Services
from airflow_ml.registry import RunRecord
from airflow_ml.runtime.channel_server import ChannelServer
from airflow_ml.runtime.protocol import RunDirectory

__all__ = ["Control", "StepStopped", "run_step"]

#: Seconds between two looks at a running script's log and events: what "live" means.
FOLLOW_SECONDS = 0.25

#: Seconds between two looks whether somebody canceled the pipeline run.
STOP_SECONDS = 1.5


class StepStopped(AzureMLException):
    """The step was stopped from outside: canceled, cleared, or another step of its pipeline failed."""


@dataclass(frozen=True)
class Control:
    """
    How the caller watches and ends an attempt.

    Attributes:
        is_stopped: asked often; True ends the script.
        log: receives the task's log line by line, the script's output included.
        started: told the step run's id as soon as there is one.
    """

    is_stopped: Callable[[], bool]
    log: LogLine
    started: Callable[[str], None]


def run_step(services: Services, task: StepTask, control: Control) -> StepResult:
    """
    Run one attempt at a step and return its committed result.

    Raises:
        StepFailedError: the script failed or did not write what it declared; trying again does not help.
        StepStopped: it was stopped from outside.
        ServiceException: storage, registry or the machine failed; trying again can help.
        UserErrorException: what the step asks for cannot be had; trying again does not help.
    """
    _clean_up(services, task, control.log)
    run = begin_attempt(services, task)
    control.started(run.id)
    directory = RunDirectory(services.run_directory(run.id))
    links: list[Path] = []
    try:
        with _failures_recorded(services, task, run):
            prepared = prepare(services, task, run, directory, links, control.log)
            try:
                outcome = _launch_and_follow(services, task, run, prepared, control)
            finally:
                collect_files(services, run, directory)
            _check(task, outcome, control)
            outputs = commit_outputs(services, task, run, prepared.outputs, control.log)
            return end_attempt(services, task, run, outputs)
    finally:
        for link in links:
            link.unlink(missing_ok=True)
        shutil.rmtree(directory.root, ignore_errors=True)


def _clean_up(services: Services, task: StepTask, log: LogLine) -> None:
    """End what earlier attempts of this step left behind: processes, run directories, open records."""
    for earlier in services.registry.runs.attempts(task.pipeline_run_id, task.step.id):
        if earlier.is_final:
            continue
        orphans = kill_orphans(earlier.id)
        if orphans:
            log(f"ended {len(orphans)} process(es) that attempt {earlier.attempt} had left behind")
        shutil.rmtree(services.run_directory(earlier.id), ignore_errors=True)
        end_lost_attempt(services, earlier)


def _launch_and_follow(
    services: Services, task: StepTask, run: RunRecord, prepared: Prepared, control: Control
) -> Outcome:
    directory = prepared.directory
    follower = Follower(services, run, directory, control.log)
    answers = Answers(services, run, directory)
    with ChannelServer(directory.channel, answers.handlers()):
        running = services.launcher.launch(_request(run, prepared))
        try:
            services.registry.runs.set_status(run.id, "Running")
            watch = _StopWatch(services, task, control)
            while (outcome := running.wait(timeout=FOLLOW_SECONDS)) is None:
                follower.look()
                if watch.says_stop():
                    running.stop()
        finally:
            running.close()
            follower.finish()
    watch.check_time()
    return outcome


def _request(run: RunRecord, prepared: Prepared) -> ProcessRequest:
    directory = prepared.directory
    return ProcessRequest(
        argv=prepared.argv,
        cwd=Path(directory.code),
        environment=prepared.environment,
        log_path=Path(directory.log),
        attempt_directory=Path(directory.root),
        marker=run.id,
    )


class _StopWatch:
    """Says when a script must end: its caller stops it (asked at every look), its pipeline or its time limit does."""

    def __init__(self, services: Services, task: StepTask, control: Control) -> None:
        self._services = services
        self._task = task
        self._control = control
        self._limit = task.step.run_settings.get("max_run_duration_seconds")
        self._started = self._asked = time.monotonic()
        self._is_over_time = False

    def says_stop(self) -> bool:
        now = time.monotonic()
        if isinstance(self._limit, (int, float)) and now - self._started > self._limit:
            self._is_over_time = True
        if self._control.is_stopped() or self._is_over_time:
            return True
        if now - self._asked < STOP_SECONDS:
            return False
        self._asked = now
        return stop_reason(self._services.registry.runs.get(self._task.pipeline_run_id)) is not None

    def check_time(self) -> None:
        """Raise StepFailedError if the script was stopped because of its time limit."""
        if self._is_over_time:
            raise StepFailedError(
                f"step {self._task.step.name!r}: its script was stopped because it ran longer than"
                f" max_run_duration_seconds={self._limit!r}; raise the limit or make the script faster"
            )


def _check(task: StepTask, outcome: Outcome, control: Control) -> None:
    """Turn anything but a script that ended by itself with exit code 0 into an error that says what happened."""
    if outcome.is_stopped or control.is_stopped():
        raise StepStopped(f"step {task.step.name!r} was stopped while its script ran")
    if not outcome.succeeded:
        raise StepFailedError(
            f"step {task.step.name!r}: script {task.step.script!r} {outcome}; its output is in the log above and in"
            " user_logs/std_log.txt of the run"
        )


@contextmanager
def _failures_recorded(services: Services, task: StepTask, run: RunRecord) -> Iterator[None]:
    """Make the run's record final whatever goes wrong inside; the error itself goes on to the caller."""
    try:
        yield
    except OSError as error:
        failure = _explain(error, task, services.run_directory(run.id))
        _record_failure(services, task, run, failure)
        raise failure from error
    except BaseException as error:
        _record_failure(services, task, run, error)
        raise


def _explain(error: OSError, task: StepTask, directory: Path) -> ServiceException:
    """Say what a failing file system means for the step."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        free = shutil.disk_usage(directory if directory.exists() else directory.parent).free
        return ServiceException(
            f"step {task.step.name!r}: the disk of the run directory {str(directory)!r} is full ({free:,} bytes free);"
            " free space there, or set AIRFLOW_ML_HOME to a larger disk",
            error,
        )
    return ServiceException(f"step {task.step.name!r}: {error.strerror or error}: {error.filename!r}", error)


def _record_failure(services: Services, task: StepTask, run: RunRecord, error: BaseException) -> None:
    is_stopped = isinstance(error, (StepStopped, KeyboardInterrupt, SystemExit))
    try:
        services.registry.runs.set_status(
            run.id,
            "Canceled" if is_stopped else "Failed",
            error={"code": type(error).__name__, "message": str(error) or type(error).__name__},
        )
        if not is_stopped:
            note_failure(services, task, run, error)
    except AzureMLException as second:
        error.__notes__ = [*getattr(error, "__notes__", ()), f"the end of run {run.id} could not be recorded: {second}"]
