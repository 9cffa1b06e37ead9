"""A step's container, seen from its operator: wait for its end, stop it, let go of it."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow_ml.compute.container_start import ASKED_FILE, END_FILE, MISSING_FILE
from airflow_ml.compute.docker_engine import describe_full_disk
from airflow_ml.compute.keeper_lines import KeeperLines
from airflow_ml.compute.request import Outcome
from airflow_ml.exceptions import AzureMLException, RunEnvironmentException, ServiceException, StepLostError

if TYPE_CHECKING:
    from airflow_ml.compute.docker_engine import DockerEngine
    from airflow_ml.compute.request import ProcessRequest

__all__ = ["ContainerStep", "StepTakenOverError", "container_name"]

#: A shell reports that a program was killed by a signal as 128 and its number.
_SIGNALLED = 128
_LARGEST_SIGNAL = 64
_SIGTERM, _SIGKILL = 15, 9
#: What docker-init exits with if it cannot start what it was told to.
_NOT_FOUND = 127
#: Seconds for a keeper to remove the container; afterwards it goes on trying alone.
_REMOVAL_SECONDS = 20.0


def container_name(marker: str) -> str:
    """Return what the container of an attempt is called."""
    return f"airflow-ml-{marker}"


class StepTakenOverError(StepLostError):
    """Another try of the task has taken the container over: this process has nothing to do with the step any more."""


class ContainerStep:
    """
    A container that was started, and its keeper; made by `DockerLauncher`.

    A context manager: leaving it removes the container.

    Attributes:
        name: of the container.
        request: what was launched.

    Args:
        guard: reaches or starts a keeper and returns our end of its life line; also when one was killed.
    """

    def __init__(self, engine: DockerEngine, request: ProcessRequest, guard: Callable[[], socket.socket]) -> None:
        self._engine = engine
        self.request = request
        self._guard = guard
        self.name = container_name(request.marker)
        self._life_line = guard()
        self._lines = KeeperLines(self._life_line)
        self._outcome: Outcome | None = None
        self._failure: AzureMLException | None = None
        self._is_stopped = False
        self._is_closed = False

    @property
    def pid(self) -> int:
        """Id of the container's first process as the engine's machine numbers it; 0 if it does not run."""
        state = self._engine.find(self.name)
        return 0 if state is None else state.pid

    @property
    def started_at(self) -> datetime | None:
        """When the container was started."""
        state = self._engine.find(self.name)
        return None if state is None else state.started_at

    @property
    def is_running(self) -> bool:
        """Whether the script, or anything that it started, still runs; never waits."""
        return self.wait(timeout=0) is None

    def watch(self) -> None:
        """Tell the keeper that the container was started."""
        self._tell(b"watch\n")

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """
        Wait for the end, at most `timeout` seconds; None means that the time was over first.

        Raises:
            StepLostError: the container was taken away, killed from outside, or taken over by another try of the task.
            ServiceException: the engine has not answered for a minute.
            RunEnvironmentException: the image has no such program.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        if self._failure is not None:
            raise self._failure
        while self._outcome is None:
            line = self._lines.receive(deadline)
            if line is None:
                return None
            if line == b"ended":
                self._outcome = self._find_outcome_once()
            elif line == b"replaced":
                self._is_closed = True
                self._life_line.close()
                raise StepTakenOverError(f"container {self.name!r}: another try of its task has taken it over")
            elif line == b"unreachable":
                self._failure = ServiceException(
                    f"container {self.name!r}: the Docker engine does not answer any more; its keeper goes on asking,"
                    " to remove it"
                )
                raise self._failure
            elif not line:
                self._replace_keeper()
        return self._outcome

    def stop(self, grace_seconds: float | None = None) -> None:
        """Ask the script to end and return at once; safe from a signal handler, since it takes no lock."""
        grace = self.request.stop_grace_seconds if grace_seconds is None else max(0.0, grace_seconds)
        self._is_stopped = True
        self._tell(b"stop %f\n" % grace)

    def settle(self) -> None:
        """End the script if it still runs, and wait for that; the container stays, for the record of its end."""
        if self._outcome is not None or self._failure is not None or self._is_closed:
            return
        self.stop()
        with suppress(ServiceException, RunEnvironmentException):
            self.wait()

    def close(self) -> None:
        """End the script if it still runs, and remove the container. Twice is fine."""
        if self._is_closed:
            return
        self._is_closed = True
        self._tell(b"done\n")
        deadline = time.monotonic() + _REMOVAL_SECONDS
        ends = (None, b"", b"removed", b"replaced", b"unreachable")
        while (line := self._lines.receive(deadline)) not in ends:
            continue
        self._life_line.close()
        if line == b"":  # the keeper was killed; then nobody else removes it
            with suppress(ServiceException):
                self._engine.remove(self.name)

    def leave(self) -> None:
        """Let go of the container without ending it: its keeper goes on as if this process had died."""
        self._is_closed = True
        self._life_line.close()

    def __enter__(self) -> ContainerStep:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _tell(self, line: bytes) -> None:
        with suppress(OSError):  # its keeper is gone: noticed by whoever waits
            self._life_line.send(line)

    def _replace_keeper(self) -> None:
        """Somebody has killed the keeper, and the container computes on: give it another one."""
        self._life_line.close()
        self._life_line = self._guard()
        self._lines = KeeperLines(self._life_line)
        self.watch()
        if self._is_stopped:
            self.stop()

    def _find_outcome_once(self) -> Outcome:
        """Find out how it ended; the keeper says only once that it did."""
        try:
            return self._find_outcome()
        except AzureMLException as error:
            self._failure = error
            raise

    def _find_outcome(self) -> Outcome:
        state = self._engine.find(self.name)
        if state is None:
            raise StepLostError(
                f"container {self.name!r} is gone: it was removed while its script ran; a retry starts again"
            )
        if (self.request.attempt_directory / MISSING_FILE).exists():
            raise RunEnvironmentException(
                f"program {self.request.argv[0]!r} is not in image {_image_of(self.request)!r}; name one that is, or"
                " take an image that has it"
            )
        code, written = state.exit_code, self._read_end()
        if code == _NOT_FOUND and not written:
            self._refuse_shell()
        signal = code - _SIGNALLED if _SIGNALLED < code <= _SIGNALLED + _LARGEST_SIGNAL else None
        cause = self._memory_cause() if state.is_out_of_memory else self._crowd_cause(written) or self._disk_cause(code)
        if not self._is_stopped:
            self._refuse_stopped()
        if signal in (_SIGTERM, _SIGKILL) and not self._is_stopped and not state.is_out_of_memory and not written:
            raise StepLostError(
                f"container {self.name!r} was killed from outside (docker kill, or the engine died); a retry starts"
                " again"
            )
        now = datetime.now(timezone.utc)
        return Outcome(
            exit_code=None if signal is not None else code,
            signal=signal,
            started_at=state.started_at or now,
            ended_at=state.ended_at or now,
            pid=0,
            is_stopped=self._is_stopped,
            is_cut=written[1:2] == ["1"],
            cause=cause,
        )

    def _read_end(self) -> list[str]:
        """Return what the shell in the container has written down (`container_start.END_FILE`)."""
        try:
            text = (self.request.attempt_directory / END_FILE).read_text(encoding="ascii", errors="replace")
        except OSError:
            return []
        return text.split()

    def _refuse_shell(self) -> None:
        """Tell an image without a shell, of which docker-init speaks, from a script that has killed its own."""
        if "/bin/sh" in self._engine.printed(self.name):
            raise RunEnvironmentException(
                f"image {_image_of(self.request)!r} has no /bin/sh, which starts a step's script; take one that has a"
                " shell"
            )

    def _crowd_cause(self, written: list[str]) -> str | None:
        container = self.request.container
        if container is None or written[2:3] in ([], ["0"]):
            return None
        return (
            f"it tried to have more than {container.limits.processes} processes and threads at one time, the most that"
            " its container may have"
        )

    def _disk_cause(self, code: int) -> str | None:
        if code == 0:
            return None
        with suppress(AzureMLException):  # the failure itself is worth more
            if self._engine.has_full_disk():
                return describe_full_disk()
        return None

    def _memory_cause(self) -> str:
        container = self.request.container
        limit = None if container is None else container.limits.memory
        text = "it needed more memory than its container has"
        return text if limit is None else f"{text}: {limit / (1 << 30):.3g} GiB; take a larger node (vm_size), or less"

    def _refuse_stopped(self) -> None:
        """Whatever a script does when it is asked to end, exit code 0 included, may be the half of its work."""
        if (self.request.attempt_directory / ASKED_FILE).exists():
            raise StepLostError(
                f"container {self.name!r} was stopped from outside (docker stop, or the engine was shut down); a"
                " retry starts again"
            )


def _image_of(request: ProcessRequest) -> str:
    return "" if request.container is None else request.container.image
