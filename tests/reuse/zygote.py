"""A launcher that starts scripts in a millisecond: a small Python, forked for each of them; and words in between."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from pathlib import Path

from airflow_ml.compute.built_folders import Waiting
from airflow_ml.compute.environments import EnvironmentBuilder, Interpreter
from airflow_ml.compute.request import Outcome, ProcessRequest

#: Runs one script at a time; ends when its life line does.
_SERVER = """
import hashlib, json, os, runpy, select, socket, sys, traceback
listener, life_line = socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2])
looking = select.poll()
looking.register(listener, select.POLLIN)
looking.register(life_line, select.POLLIN)
sys.dont_write_bytecode = True

def run(request):
    log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["argv"]
    sys.path.insert(0, request["cwd"])
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as error:
        return error.code or 0
    except BaseException:
        traceback.print_exc()
        return 1
    return 0

while not any(place == life_line for place, _ in looking.poll()):
    connection = listener.accept()[0]
    request = json.loads(connection.makefile().readline())
    pid = os.fork()
    if not pid:
        code = run(request)
        sys.stdout.flush()
        os._exit(code)
    status = os.waitpid(pid, 0)[1]
    try:
        connection.sendall(b"%d\\n" % status)
    except OSError:
        pass
    connection.close()
"""


class Environments(EnvironmentBuilder):
    """Calls the hook between the admission of a step and the staging of its inputs."""

    hook: Callable[[str], None] = staticmethod(lambda _moment: None)

    def build(self, definition: Mapping[str, object] | None, *waiting: Waiting) -> Interpreter:
        """Build as always."""
        self.hook("build")
        return super().build(definition, *waiting)


class Ran:
    """A script that has ended."""

    def __init__(self, pid: int, outcome: Outcome) -> None:
        self.pid = pid
        self.is_running = False
        self._outcome = outcome

    def wait(self, timeout: float | None = None) -> Outcome:
        """Return how it ended."""
        return self._outcome

    def stop(self, grace_seconds: float | None = None) -> None:
        """Do nothing: it has ended."""

    def settle(self) -> None:
        """Do nothing: it has ended."""

    def close(self) -> None:
        """Do nothing: it has ended."""


class Zygote:
    """
    Starts Python scripts, and returns when they have ended.

    Attributes:
        at: called with `launch` before a script and with `end` after it.
    """

    def __init__(self, folder: Path) -> None:
        self._place = str(folder / "zygote")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self._place)
        listener.listen(64)
        theirs, self._life_line = os.pipe()
        command = [sys.executable, "-I", "-S", "-c", _SERVER, str(listener.fileno()), str(theirs)]
        self._process = subprocess.Popen(command, pass_fds=(listener.fileno(), theirs))
        listener.close()
        os.close(theirs)
        self.at: Callable[[str], None] = lambda _moment: None

    def close(self) -> None:
        """End the server."""
        os.close(self._life_line)
        self._process.wait(10)

    can_bind = False

    def launch(self, request: ProcessRequest) -> Ran:
        """Run the script."""
        self.at("launch")
        started = datetime.now(timezone.utc)
        status = self._run(request)
        self.at("end")
        code = os.waitstatus_to_exitcode(status)
        ended = datetime.now(timezone.utc)
        killed = -code if code < 0 else None
        return Ran(1, Outcome(None if killed else code, killed and signal.Signals(killed), started, ended, 1))

    def _run(self, request: ProcessRequest) -> int:
        data = {
            "argv": request.argv[1:],
            "cwd": str(request.cwd),
            "environment": dict(request.environment),
            "log": str(request.log_path),
        }
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(self._place)
            connection.sendall(f"{json.dumps(data)}\n".encode())
            return int(connection.makefile().readline())
