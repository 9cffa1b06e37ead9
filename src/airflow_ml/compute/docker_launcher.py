"""
Starts a step's script in a container of this machine's Docker engine, under a keeper (`compute.container_keeper`).

The container is the engine's child: it lives on when the operator dies, and the next try of the task goes on with it
(`DockerLauncher.attach`). The keeper says when it has ended; how, only the engine says.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.compute.container_keeper import KEEPER_VARIABLE, address_of, encode_request
from airflow_ml.compute.container_options import create_options
from airflow_ml.compute.container_start import write_start
from airflow_ml.compute.container_step import ContainerStep, container_name
from airflow_ml.compute.docker_engine import DockerEngine
from airflow_ml.exceptions import ServiceException, UserErrorException

if TYPE_CHECKING:
    from airflow_ml.compute.request import ProcessRequest

__all__ = ["DockerLauncher", "has_keeper", "keep_seconds"]

#: As in `airflow_ml.compute.process_launcher`: behind the standard library, and by an import for the sake of byte code.
_KEEPER_COMMAND = "import sys; sys.path.append(sys.argv[1]); import container_keeper; container_keeper.main()"
_KEEPER_VARIABLES = ("LD_LIBRARY_PATH", "LD_PRELOAD", "PATH")

_KEEP_SECONDS = 900.0
#: For a keeper to remove its container.
_FORGET_SECONDS = 20.0
_KEEP_VARIABLE = "AIRFLOW_ML_REATTACH_SECONDS"


def keep_seconds() -> float:
    """
    Return how long a container is kept for the next try when its task has died: 900 seconds, or what the worker says.

    Raises:
        UserErrorException: AIRFLOW_ML_REATTACH_SECONDS is no number of seconds.
    """
    text = os.environ.get(_KEEP_VARIABLE)
    if not text:
        return _KEEP_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 7 * 86400:
        raise UserErrorException(f"{_KEEP_VARIABLE}={text!r}: expected seconds, 0 to a week")
    return seconds


class DockerLauncher:
    """
    Starts scripts in containers; every request must say in which (`ProcessRequest.container`).

    Args:
        engine: this machine's by default; it is connected to when something is launched.
        interpreter: Python that runs the keeper, not the script. The worker's own by default.
    """

    def __init__(self, engine: DockerEngine | None = None, *, interpreter: str = sys.executable) -> None:
        self.engine = engine or DockerEngine()
        self._interpreter = interpreter

    @property
    def can_bind(self) -> bool:
        """Whether `ProcessRequest.binds` are obeyed: always, the engine mounts them."""
        return True

    def launch(self, request: ProcessRequest) -> ContainerStep:
        """
        Start the script and return as soon as its container runs.

        Raises:
            RunEnvironmentException: the image is not there, or is none that a script can run in.
            UserErrorException: the request names no container.
            ServiceException: the engine does not answer or failed.
        """
        if request.container is None:
            raise UserErrorException(f"step {request.marker!r}: nothing says in which container its script shall run")
        step = ContainerStep(self.engine, request, lambda: self._guard(request))
        try:
            start_file = write_start(request)
            container = self.engine.create(
                request.container.image,
                ["/bin/sh", str(start_file)],
                name=container_name(request.marker),
                **create_options(request, request.container),
            )
            self.engine.start(container)
            step.watch()
        except BaseException:  # an interrupt too: no container must outlive the attempt
            step.close()
            raise
        return step

    def attach(self, request: ProcessRequest) -> ContainerStep | None:
        """
        Return the attempt's container, running or ended, if it is there; whoever was its operator is none any more.

        Args:
            request: with the attempt's marker, directory, log and held descriptors; its command is not used.
        """
        found = self.engine.find(container_name(request.marker))
        if found is None:
            return None
        if found.started_at is None:  # nobody would ever start it
            self.forget(request.marker)
            return None
        step = ContainerStep(self.engine, request, lambda: _reach_keeper(request.marker) or self._guard(request))
        step.watch()
        return step

    def forget(self, marker: str) -> bool:
        """Remove the attempt's container however it is, and its keeper; returns whether there was one."""
        found = self.engine.find(container_name(marker))
        keeper = _reach_keeper(marker)
        if keeper is not None:
            with keeper, suppress(OSError):
                keeper.settimeout(_FORGET_SECONDS)
                keeper.sendall(b"done\n")
                while (said := keeper.recv(4096)) and b"unreachable" not in said:  # it ends its line when it is done
                    continue
        if found is not None:
            self.engine.remove(found.id)
        return found is not None

    def _guard(self, request: ProcessRequest) -> socket.socket:
        """Start a keeper, which does nothing before it is told to, and return our end of its life line."""
        message = encode_request(
            name=container_name(request.marker),
            engine=str(self.engine.socket),
            marker=request.marker,
            keep_seconds=keep_seconds(),
            held=list(request.held),
        )
        ours, keepers = socket.socketpair()
        environment = {name: os.environ[name] for name in _KEEPER_VARIABLES if name in os.environ}
        environment[KEEPER_VARIABLE] = request.marker
        command = [self._interpreter, "-I", "-S", "-c", _KEEPER_COMMAND, str(Path(__file__).parent)]
        try:
            with request.log_path.open("ab") as log:
                subprocess.Popen(
                    command,
                    stdin=keepers.fileno(),
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env=environment,
                    pass_fds=request.held,
                    start_new_session=True,
                )
            ours.sendall(message)
        except OSError as error:
            ours.close()
            raise ServiceException(
                f"step {request.marker!r}: the keeper of its container could not be started: {error.strerror}"
                f" ({error.filename!r})",
                inner_exception=error,
            ) from error
        finally:
            keepers.close()
        return ours


def has_keeper(marker: str) -> bool:
    """Tell whether the container of an attempt has a keeper; asking does not make anybody its operator."""
    try:
        names = Path("/proc/net/unix").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return f"@{address_of(marker)[1:]}\n" in names


def _reach_keeper(marker: str) -> socket.socket | None:
    """Take over from an operator that is gone, or is believed to be."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with suppress(OSError):
        connection.connect(address_of(marker))
        return connection
    connection.close()
    return None
