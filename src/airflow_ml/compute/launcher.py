"""
What every launcher offers: `launch` a request, then wait for the running step or stop it.

The process launcher is one; containers and Kubernetes are others. Nothing behind this module knows which.
"""

from __future__ import annotations

from typing import Protocol

from airflow_ml.compute.request import Outcome, ProcessRequest

__all__ = ["Launcher", "RunningStep"]


class RunningStep(Protocol):
    """A step's script that was started."""

    @property
    def pid(self) -> int:
        """Process id of the script, in the numbering of the machine; 0 where there is none."""
        ...

    @property
    def is_running(self) -> bool:
        """Whether the script, or anything that it started, still runs; never waits."""
        ...

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """
        Wait for the end, at most `timeout` seconds; None means that the time was over first.

        Once ended, every further call returns the same outcome at once. For one thread at a time.

        Raises:
            StepLostError: the step vanished without a result.
        """
        ...

    def stop(self, grace_seconds: float | None = None) -> None:
        """
        Ask the step to end and return at once; `wait` tells when it did.

        The script is asked politely, and after the grace (the request's own if not given) it is killed with
        everything that it started. Safe from any thread and from a signal handler, any number of times; a later
        call can only shorten the grace.
        """
        ...

    def settle(self) -> None:
        """Stop what still runs, and wait for that; what a launcher keeps of an ended step stays until `close`."""
        ...

    def close(self) -> None:
        """
        Let go of the step: one that still runs is stopped and waited for. Twice is fine.

        To be called when the step's end is recorded: until then a later attempt may want to know how it ended.
        """
        ...


class Launcher(Protocol):
    """Starts the scripts of steps."""

    @property
    def can_bind(self) -> bool:
        """Whether the launcher obeys `ProcessRequest.binds`."""
        ...

    def launch(self, request: ProcessRequest) -> RunningStep:
        """
        Start the script and return as soon as it runs.

        Raises:
            RunEnvironmentException: the program is missing or cannot be executed.
            UserErrorException: the command is too long, or the working directory is not there.
            ServiceException: the machine could not start another process; trying again can help.
        """
        ...
