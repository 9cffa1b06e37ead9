"""
Starts a step's script as a process of this machine, under a keeper (`airflow_ml.compute.keeper`).

The operator's process holds one end of a socket and nothing else of the step: no pipe of the script's output, no
thread. When it dies, however it dies, the keeper notices and ends the step.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import NoReturn

from airflow_ml.compute.binding import may_bind
from airflow_ml.compute.keeper import EXIT_FILE, MARKER_VARIABLE, ROLE_VARIABLE, encode_request
from airflow_ml.compute.keeper_lines import KeeperLines
from airflow_ml.compute.orphans import kill_orphans
from airflow_ml.compute.request import Outcome, ProcessRequest
from airflow_ml.compute.start_failure import explain_start_failure
from airflow_ml.exceptions import ServiceException, StepLostError

__all__ = ["ProcessLauncher", "ProcessStep", "read_outcome"]

#: The folder stands behind the standard library's, so that no module of ours can be taken for one of those. An
#: import, and not the file as a script, because only an import uses compiled byte code.
_KEEPER_COMMAND = "import sys; sys.path.append(sys.argv[1]); import keeper; keeper.main()"
#: What the dynamic loader may need to start this interpreter; the keeper gets nothing else of our environment.
_KEEPER_VARIABLES = ("LD_LIBRARY_PATH", "LD_PRELOAD", "PATH")


class ProcessLauncher:
    """
    Starts scripts as processes of this machine.

    Args:
        interpreter: Python that runs the keeper, not the script. The worker's own by default.
    """

    def __init__(self, *, interpreter: str = sys.executable) -> None:
        self._interpreter = interpreter

    @property
    def can_bind(self) -> bool:
        """Whether this process may give its scripts mounts of their own: as a rule, whether it is root."""
        return may_bind()

    def launch(self, request: ProcessRequest) -> ProcessStep:
        """
        Start the script and return as soon as its program has taken over.

        Raises:
            RunEnvironmentException: the program is missing or cannot be executed.
            UserErrorException: the command is too long, or the working directory is not there.
            ServiceException: the log cannot be written, or the machine could not start another process.
        """
        message = _encode(request)
        life_line, keepers_end = socket.socketpair()
        try:
            keeper = self._start_keeper(request, keepers_end)
        except BaseException:  # an interrupt too: the life line must not outlive the attempt
            life_line.close()
            raise
        finally:
            keepers_end.close()
        step = ProcessStep(request, keeper, life_line)
        try:
            step.hand_over(message)
        except BaseException:  # as above: the keeper ends when its life line does
            step.close()
            raise
        return step

    def _start_keeper(self, request: ProcessRequest, keepers_end: socket.socket) -> subprocess.Popen[bytes]:
        command = [self._interpreter, "-I", "-S", "-c", _KEEPER_COMMAND, str(Path(__file__).parent)]
        environment = {name: os.environ[name] for name in _KEEPER_VARIABLES if name in os.environ}
        environment |= {MARKER_VARIABLE: request.marker, ROLE_VARIABLE: "1"}
        try:
            with request.log_path.open("ab") as log:
                return subprocess.Popen(
                    command,
                    stdin=keepers_end.fileno(),
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env=environment,
                    start_new_session=True,
                    # The script inherits them too: a process that outlives a killed keeper still holds them.
                    pass_fds=request.held,
                )
        except OSError as exc:
            raise ServiceException(
                f"step process {request.marker!r} could not be started: {exc.strerror} ({exc.filename!r});"
                " its log and the worker's interpreter must be there, and the machine needs room for a process",
                inner_exception=exc,
            ) from exc


class ProcessStep:
    """
    A running script and its keeper, seen from the operator; made by `ProcessLauncher.launch`.

    A context manager: leaving it while the script runs stops the script.
    """

    def __init__(self, request: ProcessRequest, keeper: subprocess.Popen[bytes], life_line: socket.socket) -> None:
        self._request = request
        self._keeper = keeper
        self._life_line = life_line
        self._lines = KeeperLines(life_line)
        self._pid = 0
        self._outcome: Outcome | None = None

    @property
    def pid(self) -> int:
        """Process id of the script, which is its session's and process group's id as well."""
        return self._pid

    @property
    def keeper_pid(self) -> int:
        """Process id of the keeper."""
        return self._keeper.pid

    @property
    def is_running(self) -> bool:
        """Whether the script, or anything that it started, still runs; never waits."""
        return self.wait(timeout=0) is None

    def hand_over(self, message: bytes) -> None:
        """Tell the keeper what to start and wait until it runs; called once, by the launcher."""
        try:
            self._life_line.sendall(message)
        except OSError as exc:
            self._raise_lost(exc)
        line = self._receive(timeout=None)
        word, *values = (line or b"lost").split()
        if word == b"started":
            self._pid = int(values[0])
        elif word == b"failed":
            raise explain_start_failure(self._request, values[0].decode(), int(values[1]))
        else:
            self._raise_lost()

    def wait(self, timeout: float | None = None) -> Outcome | None:
        """
        Wait for the end, at most `timeout` seconds; None means that the time was over first.

        Raises:
            StepLostError: the keeper vanished; whatever it had started has been killed.
        """
        if self._outcome is None:
            line = self._receive(timeout)
            if line is None:
                return None
            self._outcome = _decode(line) if line else self._find_lost_outcome()
            self._keeper.wait()
            self._life_line.close()
        return self._outcome

    def stop(self, grace_seconds: float | None = None) -> None:
        """Ask the script to end and return at once; safe from a signal handler, since it takes no lock."""
        grace = self._request.stop_grace_seconds if grace_seconds is None else max(0.0, grace_seconds)
        try:
            self._life_line.send(b"stop %f\n" % grace)
        except OSError:  # it has ended already
            return

    def settle(self) -> None:
        """Stop what still runs, and wait for that: of an ended process nothing is left."""
        self.close()

    def close(self) -> None:
        """Let go of the step: one that still runs is stopped and waited for. Twice is fine."""
        self.stop()
        try:
            self._life_line.shutdown(socket.SHUT_WR)
        except OSError:  # closed before
            return
        self._keeper.wait()
        self._life_line.close()

    def __enter__(self) -> ProcessStep:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _receive(self, timeout: float | None) -> bytes | None:
        return self._lines.receive(None if timeout is None else time.monotonic() + timeout)

    def _find_lost_outcome(self) -> Outcome:
        outcome = read_outcome(self._request.attempt_directory)
        if outcome is None or outcome.pid != self._pid:
            self._raise_lost()
        return outcome

    def _raise_lost(self, cause: OSError | None = None) -> NoReturn:
        code = self._keeper.wait()
        self._life_line.close()
        kill_orphans(self._request.marker)
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise StepLostError(
            f"step process {self._pid or self._request.marker!r}: its keeper (process {self._keeper.pid}) {how} before"
            " the script ended; what it had started has been killed, and a retry can start again",
            inner_exception=cause,
        )


def read_outcome(attempt_directory: Path) -> Outcome | None:
    """
    Return how the script of an earlier attempt ended, or None if nothing was written down.

    For the attempt that comes after a lost operator: a script that had ended need not run again.
    """
    try:
        written = json.loads((attempt_directory / EXIT_FILE).read_bytes())
    except FileNotFoundError:
        return None
    return Outcome(
        exit_code=written["code"],
        signal=written["signal"],
        started_at=_time(written["started"]),
        ended_at=_time(written["ended"]),
        pid=written["pid"],
        is_stopped=written["stopped"],
        is_cut=written["cut"],
    )


def _encode(request: ProcessRequest) -> bytes:
    environment = {**request.environment, MARKER_VARIABLE: request.marker}
    environment.pop(ROLE_VARIABLE, None)  # the operator may itself run in a step, never as a keeper
    program = request.argv[0]
    if os.sep not in program:
        # Not found: the bare name is handed on, and the keeper's attempt gives the error.
        program = shutil.which(program, path=request.environment.get("PATH", os.defpath)) or program
    return encode_request(
        [os.fsencode(argument) for argument in request.argv],
        {os.fsencode(name): os.fsencode(value) for name, value in environment.items()},
        program=os.fsencode(program),
        cwd=os.fsencode(request.cwd),
        directory=os.fsencode(request.attempt_directory),
        binds=[os.fsencode(place) for pair in request.binds for place in pair],
    )


def _decode(line: bytes) -> Outcome:
    _, status, pid, started, ended, stopped, cut = line.split()
    code = os.waitstatus_to_exitcode(int(status))
    return Outcome(
        exit_code=code if code >= 0 else None,
        signal=-code if code < 0 else None,
        started_at=_time(float(started)),
        ended_at=_time(float(ended)),
        pid=int(pid),
        is_stopped=stopped == b"1",
        is_cut=cut == b"1",
    )


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, tz=timezone.utc)
