"""What to run (`ProcessRequest`) and how it ended (`Outcome`): the two ends of every launcher."""

from __future__ import annotations

import math
import os
import shlex
import signal
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from airflow_ml.compute.container import Container
from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.secret_names import is_secret_name

__all__ = ["DEFAULT_STOP_GRACE_SECONDS", "MASK", "Outcome", "ProcessRequest", "inherited_environment", "is_secret_name"]

#: Airflow kills a task's process five seconds after it asked it to end; the script must be gone before that.
DEFAULT_STOP_GRACE_SECONDS = 3.0
MASK = "***"

#: Shorter values are not searched for in arguments: they would mask half of every command.
_SHORTEST_MASKED = 4
#: The worker's own business: its interpreter's settings (without byte code every step would pay seconds to
#: import pandas) and Airflow's settings, which hold the database and the encryption key.
_DROPPED_NAMES = frozenset(
    {
        "AIRFLOW_ML_AIRFLOW_CONFIG",
        "AIRFLOW_ML_AIRFLOW_TOKEN",
        "AIRFLOW_ML_REGISTRY",
        "AIRFLOW_ML_REGISTRY_PASSWORD",
        "AIRFLOW_ML_SERVICE_DATABASE",
        "PYTHONDONTWRITEBYTECODE",
        "PYTHONHOME",
        "PYTHONSTARTUP",
        "VIRTUAL_ENV",
    }
)
_DROPPED_PREFIXES = ("AIRFLOW__", "AIRFLOW_CONN_", "AIRFLOW_ML_SECRET_", "AIRFLOW_VAR_", "_AIRFLOW")


@dataclass(frozen=True)
class ProcessRequest:
    """
    One script to run, checked when it is made.

    Attributes:
        argv: program and arguments. A program without a slash is looked up on the request's own PATH; one with a
            slash may be relative to `cwd`.
        environment: exactly what the script sees, apart from `AIRFLOW_ML_ATTEMPT`, which is added.
        log_path: file that gets standard output and standard error, in the order written; it is appended to.
        attempt_directory: existing folder that receives `exit.json`.
        marker: name of this attempt, unique on the machine; by it `kill_orphans` finds what a crash left.
        stop_grace_seconds: time between SIGTERM and SIGKILL when the step is stopped.
        binds: folders or files, each with the existing place at which the script alone shall see it, read-only; for
            launchers that can do that.
        held: file descriptors that stay open until the script and all that it started is gone, whatever becomes of
            the operator: kernel locks of devices, for instance.
        devices: ids of the devices that were leased for the step; a launcher of containers hands these in.
        container: for launchers of containers, which need it.

    Raises:
        UserErrorException: a value that no process can be started with; the text names it.
    """

    argv: tuple[str, ...]
    cwd: Path
    environment: Mapping[str, str] = field(repr=False)
    log_path: Path
    attempt_directory: Path
    marker: str
    stop_grace_seconds: float = DEFAULT_STOP_GRACE_SECONDS
    binds: tuple[tuple[Path, Path], ...] = ()
    held: tuple[int, ...] = ()
    devices: tuple[str, ...] = ()
    container: Container | None = None

    def __post_init__(self) -> None:
        if not self.argv or not self.argv[0]:
            raise UserErrorException(
                f"cannot run an empty command: argv is {self.argv!r}; its first element is the program"
            )
        for position, argument in enumerate(self.argv):
            _check_text(f"argument {position}", argument)
        for name, value in self.environment.items():
            _check_text(f"name of environment variable {name!r}", name)
            _check_text(f"environment variable {name!r}", value)
            if not name or "=" in name:
                raise UserErrorException(f"environment variable {name!r}: a name is not empty and has no '='")
        for what, path in (
            ("cwd", self.cwd),
            ("log_path", self.log_path),
            ("attempt_directory", self.attempt_directory),
        ):
            _check_text(what, str(path))
            if not path.is_absolute():
                raise UserErrorException(f"{what} {str(path)!r} is relative; launchers need absolute paths")
        _check_text("marker", self.marker)
        if not self.marker:
            raise UserErrorException("marker is empty; give the attempt's run id")
        if not (math.isfinite(self.stop_grace_seconds) and self.stop_grace_seconds >= 0):
            raise UserErrorException(f"stop_grace_seconds is {self.stop_grace_seconds!r}; give seconds, 0 or more")

    def __str__(self) -> str:
        """Return the command as shell text for logs; values of secret variables are masked wherever they occur."""
        command = shlex.join(self.argv)
        for secret in sorted(self._secrets(), key=len, reverse=True):
            command = command.replace(secret, MASK)
        return command

    def _secrets(self) -> Iterable[str]:
        for name, value in self.environment.items():
            if is_secret_name(name) and len(value) >= _SHORTEST_MASKED:
                yield value


@dataclass(frozen=True)
class Outcome:
    """
    How a script ended: by an exit code, or by a signal.

    Attributes:
        exit_code: 0 to 255; None if a signal ended it.
        signal: the number of that signal, or None.
        started_at: when the process was made.
        ended_at: when it and everything that it left running was gone.
        is_stopped: the end came after a request to stop, or after the operator was lost.
        is_cut: something that the script had started outlived it and had to be ended, in the middle of whatever it did.
        cause: why it ended so, where that is known.
    """

    exit_code: int | None
    signal: int | None
    started_at: datetime
    ended_at: datetime
    pid: int
    is_stopped: bool = False
    is_cut: bool = False
    cause: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the script ended with exit code 0; a stopped script that still managed to counts."""
        return self.exit_code == 0

    @property
    def duration(self) -> float:
        """Seconds from start to end."""
        return (self.ended_at - self.started_at).total_seconds()

    @property
    def killed(self) -> str | None:
        """Which signal ended the script, in words, with the usual cause; None if it exited by itself."""
        if self.signal is None:
            return None
        text = f"killed by signal {self.signal} ({_name_signal(self.signal)})"
        if self.is_stopped:
            return f"{text} because it was stopped"
        cause = self.cause or _USUAL_CAUSES.get(self.signal)
        return f"{text}, {cause}" if cause else text

    def __str__(self) -> str:
        if self.killed is not None:
            return self.killed
        text = f"ended with exit code {self.exit_code}"
        return f"{text}: {self.cause}" if self.cause and not self.succeeded else text


_USUAL_CAUSES = {
    int(signal.SIGKILL): "often the kernel's out-of-memory killer",
    int(signal.SIGSEGV): "a crash in a compiled extension",
    int(signal.SIGBUS): "often a full /dev/shm or a file that was cut short",
    int(signal.SIGABRT): "usually a failed check in a compiled extension",
    int(signal.SIGILL): "often a package built for another processor",
    int(signal.SIGXCPU): "the limit of processor time was passed",
    int(signal.SIGXFSZ): "the limit of file size was passed",
}


def inherited_environment(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """
    Return what a step's process takes over from the worker's environment.

    That is all but the settings of the worker's own interpreter (`PYTHONDONTWRITEBYTECODE` above all), Airflow's
    settings, connections and variables, and the secrets that a script asks for by name. `base` is the environment of
    this process if not given.
    """
    return {
        name: value
        for name, value in (os.environ if base is None else base).items()
        if name not in _DROPPED_NAMES and not name.startswith(_DROPPED_PREFIXES)
    }


def _check_text(what: str, text: object) -> None:
    if not isinstance(text, str):
        raise UserErrorException(f"{what} is {type(text).__name__}, expected text; convert it with str()")
    if "\0" in text:
        raise UserErrorException(f"{what} holds a NUL character, which no process can be given; remove it")
    try:
        os.fsencode(text)
    except UnicodeEncodeError as exc:
        raise UserErrorException(f"{what} cannot be encoded as {exc.encoding}: {exc.reason} at {exc.start}") from exc


def _name_signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no names of their own
        return "real-time signal"
