"""
Short programs in containers of an image: questions to it, and installing and compiling packages for it.

Whoever runs one holds a kernel lock, which dies with him and is seen by other workers, even by those in containers of
their own, where process ids mean nothing. A container whose lock can be had is nobody's: it is removed by whoever runs
the next program, and `airflow-ml doctor` knows it.

    <root>/.containers/<name>    held exclusively for as long as the container of that name is somebody's
"""

from __future__ import annotations

import fcntl
import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_ml.compute.docker_engine import LABEL_PREFIX, home_label
from airflow_ml.exceptions import AzureMLException, ServiceException

if TYPE_CHECKING:
    from airflow_ml.compute.built_folders import Waiting
    from airflow_ml.compute.docker_engine import ContainerState, DockerEngine

__all__ = ["Ended", "ImagePrograms", "find_abandoned", "remove_abandoned"]

#: Name of the label with what the program is for; `home` is the other one that such containers have.
_PURPOSE = "program"
_LOCKS = ".containers"
#: Processes and threads at one time: enough for a compiler on every core, and no fork bomb.
_MOST_PROCESSES = 4096
#: Seconds between two looks at a program.
_LOOK_SECONDS = 0.1


@dataclass(frozen=True)
class Ended:
    """How a program in an image ended, and what it wrote."""

    exit_code: int
    output: str


@dataclass(frozen=True)
class ImagePrograms:
    """
    Runs programs in images of one engine.

    Args:
        root: the folder of environments, which lies in the home.
        where: names the environment in errors.
    """

    engine: DockerEngine
    root: Path
    waiting: Waiting
    where: str

    def run(
        self,
        image: str,
        command: Sequence[str],
        purpose: str,
        *,
        writable: Iterable[Path] = (),
        readable: Iterable[Path] = (),
        variables: Mapping[str, str] | None = None,
        network: str = "none",
    ) -> Ended:
        """
        Run a program in an image to its end, as the worker's user and with no rights; the container is removed.

        Args:
            purpose: a word that becomes part of the container's name.
            writable: folders that it sees at the same path.
            readable: the same, which it cannot change.

        Raises:
            RunEnvironmentException: the engine refuses, for instance because the program is not there.
            ServiceException: the engine does not answer.
        """
        remove_abandoned(self.engine, self.root)
        binds = {str(path): {"bind": str(path), "mode": "rw"} for path in writable}
        binds |= {str(path): {"bind": str(path), "mode": "ro"} for path in readable}
        with _owned(self.root, f"airflow-ml-{purpose}-{uuid.uuid4().hex[:12]}") as name:
            container = self.engine.create(
                image,
                command,
                name=name,
                host=_host_options(binds, network),
                user=f"{os.geteuid()}:{os.getegid()}",
                environment=dict(variables or {}),
                labels={f"{LABEL_PREFIX}{_PURPOSE}": purpose, f"{LABEL_PREFIX}home": home_label(self.root.parent)},
            )
            try:
                self.engine.start(container)
                return self._wait(container)
            finally:
                with suppress(AzureMLException):  # whoever comes next removes it
                    self.engine.remove(container)

    def _wait(self, container: str) -> Ended:
        while True:
            state = self.engine.find(container)
            if state is None:
                raise ServiceException(f"{self.where}: a container of its build was removed by somebody; try again")
            if not state.is_running and state.ended_at is not None:
                break
            self.waiting.check()
            time.sleep(_LOOK_SECONDS)
        with self.engine.answering("read the output of a build"):
            data: bytes = self.engine.client.logs(container, stdout=True, stderr=True)
        return Ended(state.exit_code, data.decode("utf-8", "replace"))


def find_abandoned(engine: DockerEngine, root: Path) -> list[ContainerState]:
    """
    Return the containers of programs whose owner has died, of this home alone.

    Raises:
        ServiceException: the engine does not answer.
    """
    if not (root / _LOCKS).is_dir():  # no program was ever run
        return []
    found = engine.find_all({"home": home_label(root.parent)}, having=_PURPOSE)
    return [state for state in found if not _is_owned(root, state.name)]


def remove_abandoned(engine: DockerEngine, root: Path) -> int:
    """Remove those containers and return how many there were; errors as `find_abandoned`."""
    found = find_abandoned(engine, root)
    for state in found:
        engine.remove(state.id)
        _lock_of(root, state.name).unlink(missing_ok=True)
    return len(found)


def _host_options(binds: Mapping[str, Any], network: str) -> dict[str, Any]:
    return {
        "binds": binds,
        "network_mode": network,
        "privileged": False,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "ipc_mode": "private",
        "pids_limit": _MOST_PROCESSES,
        "oom_score_adj": 500,  # a machine without memory ends the program, not the worker
        "init": True,
    }


def _lock_of(root: Path, name: str) -> Path:
    return root / _LOCKS / name


@contextmanager
def _owned(root: Path, name: str) -> Iterator[str]:
    """Be the owner of a container of that name, from before it is made until it is removed."""
    path = _lock_of(root, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield name
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _is_owned(root: Path, name: str) -> bool:
    try:
        descriptor = os.open(_lock_of(root, name), os.O_RDWR)
    except FileNotFoundError:  # its owner has come to its end, and could not remove it
        return False
    except OSError:  # another user's
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
