"""
What belongs to one attempt at a step, on one node, and is cleared away with it.

The step's own task makes one in `airflow_ml.execution.step_attempt`, that of another node of a distributed step in
`airflow_ml.execution.node_attempt`; the other modules of this room take from it what they work with.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.compute.container_step import StepTakenOverError
from airflow_ml.execution.fuse_mounts import FuseMounts
from airflow_ml.execution.launching import launcher_of
from airflow_ml.execution.leftovers import remove_place
from airflow_ml.execution.stopping import StepStopped

if TYPE_CHECKING:
    from airflow_ml.compute.launcher import Launcher
    from airflow_ml.execution.meeting import Meeting
    from airflow_ml.execution.model import LogLine, StepTask
    from airflow_ml.execution.reads import Reads
    from airflow_ml.execution.services import Services
    from airflow_ml.execution.stopping import StopWatch
    from airflow_ml.registry import RunRecord
    from airflow_ml.runtime.protocol import RunDirectory

__all__ = ["Attempt", "Control", "StepStopped", "Workplace", "workplace"]


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


@dataclass(frozen=True)
class Workplace:
    """
    What an attempt has on this machine.

    Attributes:
        directory: the run directory.
        mounts: used if the worker or the step asks for FUSE.
        outside: every place outside of the run directory that belongs to the attempt; whoever makes one adds it.
        ending: closes what was started and held for the script, the newest first.
    """

    directory: RunDirectory
    mounts: FuseMounts
    outside: list[Path]
    ending: ExitStack


@contextmanager
def workplace(run: RunRecord, directory: RunDirectory, outside: Iterable[Path] = ()) -> Iterator[Workplace]:
    """
    Give an attempt its place on this machine inside the block; at the end nothing is left of it, whatever happened.

    The files of one that another process has taken over stay: they are that one's.

    Args:
        outside: places that an earlier process of the attempt has made.
    """
    root = Path(directory.root)
    place = Workplace(directory, FuseMounts(run.id, root), [*outside], ExitStack())
    is_ours = True
    try:
        with place.ending:
            place.ending.callback(place.mounts.close)
            yield place
    except StepTakenOverError:
        is_ours = False
        raise
    finally:
        if is_ours:
            for path in place.outside:
                remove_place(path)
            shutil.rmtree(root, ignore_errors=True)


@dataclass(frozen=True)
class Attempt:
    """
    One attempt at a step, on one node.

    Attributes:
        run: the step's run; all nodes have the same.
        meeting: of the step's nodes; a step of one process is alone there.
        watch: says when the attempt must end.
        reads: what the script has asked for while it ran.
    """

    services: Services
    task: StepTask
    run: RunRecord
    control: Control
    place: Workplace
    meeting: Meeting
    watch: StopWatch
    reads: Reads

    @property
    def title(self) -> str:
        """How texts for people call the step."""
        return self.task.title

    @property
    def directory(self) -> RunDirectory:
        """The run directory."""
        return self.place.directory

    @cached_property
    def launcher(self) -> Launcher:
        """What starts the script."""
        return launcher_of(self.services, self.task)

    @property
    def is_in_container(self) -> bool:
        """Whether the script runs in a container of this machine's engine."""
        return self.launcher is self.services.containers

    @property
    def root(self) -> Path:
        """The run directory's path."""
        return Path(self.place.directory.root)

    @property
    def marker(self) -> str:
        """What all processes of the attempt carry: the run's id, with the node's number on others than the first."""
        return self.root.name

    def log(self, line: str) -> None:
        """Write a line into the task's log."""
        self.control.log(line)
