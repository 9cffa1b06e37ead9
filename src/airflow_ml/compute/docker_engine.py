"""
The Docker engine of this machine: the one module that imports docker's SDK.

Everything else sees `DockerEngine`, and errors of this package: an engine that does not answer is the machine's fault
and worth another try, an image or a command that cannot be is the definition's.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from airflow_ml._late import late
from airflow_ml.exceptions import NotSupportedError, RunEnvironmentException, ServiceException

if TYPE_CHECKING:
    import requests
    from docker import api as docker_api
    from docker import errors as docker_errors
else:  # a tenth of a second and more, for the steps that run in containers alone
    docker_api = late("docker.api")
    docker_errors = late("docker.errors")
    requests = late("requests")

__all__ = [
    "LABEL_PREFIX",
    "ContainerState",
    "DockerEngine",
    "Image",
    "describe_full_disk",
    "home_label",
    "tells_full_disk",
]

#: What the names of our labels begin with; behind it: workspace, dag, run, task, map_index, try, step-run,
#: fingerprint, devices and home; programs in images: program and home.
LABEL_PREFIX: Final = "airflow-ml."

_DEFAULT_SOCKET = "/var/run/docker.sock"
#: Seconds for an answer: an engine whose disk is slow takes long to remove a large container.
_ANSWER_SECONDS = 120
#: What the engine says where a device cannot be handed in (NVIDIA's toolkit is missing, or the device).
_NO_DEVICE = "could not select device driver"
#: The kernel's words for a full disk, as the engine and the programs in its builds repeat them.
_FULL_DISK = "no space left on device"
#: A disk with less room than this is called full.
_FULL_BYTES = 1 << 20


@dataclass(frozen=True)
class Image:
    """
    An image that the engine has.

    Attributes:
        id: `sha256:` and the digest of its configuration: a name can move to another image, an id cannot.
        environment: variables that it sets.
        user: whom it runs as unless somebody is named; empty means root.
    """

    id: str
    environment: Mapping[str, str]
    user: str


@dataclass(frozen=True)
class ContainerState:
    """
    What the engine knows of a container.

    Attributes:
        status: the engine's word: `created`, `running`, `exited`, `dead`, ...
        exit_code: of its first process; meaningless while it runs.
        is_out_of_memory: the kernel killed a process of it because its memory was used up.
        error: why it could not be started, in the engine's words.
        pid: of its first process as the engine's machine numbers it; 0 unless it runs.
        started_at: None if it never was.
    """

    id: str
    name: str
    labels: Mapping[str, str]
    image: str
    status: str
    exit_code: int
    is_out_of_memory: bool
    error: str
    pid: int
    started_at: datetime | None
    ended_at: datetime | None

    @property
    def is_running(self) -> bool:
        """Whether its processes run."""
        return self.status in ("running", "paused", "restarting")

    def label(self, name: str) -> str:
        """Return the value of one of our labels; empty if it has none."""
        return self.labels.get(LABEL_PREFIX + name, "")


class DockerEngine:
    """
    The engine of this machine, connected to when it is first asked something; safe for several threads.

    Args:
        address: as DOCKER_HOST has it; by default what that variable says, or the usual socket. Only an engine on
            this machine will do, because containers see the folders of the steps.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address or os.environ.get("DOCKER_HOST") or f"unix://{_DEFAULT_SOCKET}"

    @property
    def socket(self) -> Path:
        """
        The engine's Unix socket.

        Raises:
            NotSupportedError: the engine is at an address of another kind.
        """
        scheme, _, place = self._address.partition("://")
        if scheme != "unix":
            raise NotSupportedError(
                f"DOCKER_HOST is {self._address!r}; steps need an engine on the worker's own machine, which sees their"
                f" run directories: unix://{_DEFAULT_SOCKET}, for instance"
            )
        return Path(place)

    @cached_property
    def client(self) -> Any:
        """The SDK's client, which has no types, for what this class does not offer; use `answering` around it."""
        with self.answering("connect"):
            return docker_api.APIClient(  # type: ignore[attr-defined, no-untyped-call]
                base_url=f"unix://{self.socket}", version="auto", timeout=_ANSWER_SECONDS
            )

    @contextmanager
    def answering(self, what: str) -> Iterator[None]:
        """
        Raise errors of ours in the place of the SDK's.

        Raises:
            ServiceException: the engine does not answer, or has a trouble of its own; `what` says what it was asked.
            RunEnvironmentException: it refuses what it was asked for.
        """
        try:
            yield
        except docker_errors.APIError as error:
            raise _translated(what, error) from error
        except (docker_errors.DockerException, requests.RequestException, OSError) as error:
            raise ServiceException(
                f"the Docker engine at {self._address} does not answer ({what}): {_short(error)}; is dockerd running,"
                " and may this user open its socket?",
                inner_exception=error,
            ) from error

    def image(self, name: str) -> Image | None:
        """Return the image of that name or id, or None if the engine does not have it; nothing is pulled."""
        with self.answering(f"look at image {name!r}"):
            try:
                found = self.client.inspect_image(name)
            except docker_errors.ImageNotFound:
                return None
        config = found.get("Config") or {}
        variables = dict(text.partition("=")[::2] for text in config.get("Env") or ())
        return Image(found["Id"], variables, config.get("User") or "")

    def create(self, image: str, command: Sequence[str], *, name: str, host: Mapping[str, Any], **options: Any) -> str:
        """
        Create a container and return its id; it does not run yet.

        Args:
            command: program and arguments in the place of the image's entry point and command.
            host: the SDK's options of `create_host_config`.
            options: the SDK's options of `create_container`.

        Raises:
            RunEnvironmentException: the engine refuses it, or does not have the image.
            ServiceException: the engine failed.
        """
        program, *arguments = command
        with self.answering(f"create container {name!r}"):
            made = self.client.create_container(
                image,
                arguments,
                entrypoint=[program],
                name=name,
                host_config=self.client.create_host_config(**host),
                use_config_proxy=False,
                **options,
            )
        return str(made["Id"])

    def start(self, container: str) -> None:
        """Start a container that was created; errors as `create`."""
        with self.answering(f"start container {container[:12]!r}"):
            self.client.start(container)

    def find(self, container: str) -> ContainerState | None:
        """Return the container of that name or id, or None."""
        with self.answering(f"look at container {container[:48]!r}"):
            try:
                found = self.client.inspect_container(container)
            except docker_errors.NotFound:
                return None
        return _state(found)

    def find_all(self, labels: Mapping[str, str], *, having: str | None = None) -> list[ContainerState]:
        """
        Return the containers that carry all of our labels with these values, ended ones included.

        Args:
            having: another label, which they carry with any value.
        """
        wanted = [f"{LABEL_PREFIX}{name}={value}" for name, value in labels.items()]
        if having is not None:
            wanted.append(f"{LABEL_PREFIX}{having}")
        with self.answering("list containers"):
            found = self.client.containers(all=True, filters={"label": wanted})
        states = [self.find(item["Id"]) for item in found]
        return [state for state in states if state is not None]

    def remove(self, container: str) -> None:
        """Remove a container however it is; one that is gone is no error."""
        with self.answering(f"remove container {container[:48]!r}"):
            try:
                self.client.remove_container(container, force=True, v=True)
            except docker_errors.NotFound:
                return
            except docker_errors.APIError as error:
                if error.status_code != 409:  # somebody else is removing it
                    raise

    def has_full_disk(self) -> bool:
        """Whether the engine's disk is full; False where this process does not see it, in a container of its own."""
        with self.answering("ask for its folder"):
            folder = self.client.info().get("DockerRootDir") or ""
        try:
            status = os.statvfs(folder)
        except OSError:
            return False
        return status.f_bavail * status.f_frsize < _FULL_BYTES

    def printed(self, container: str) -> str:
        """Return what the first process of a container has written to its own output, at most the last 2000 bytes."""
        with self.answering(f"read the output of container {container[:48]!r}"):
            data: bytes = self.client.logs(container, stdout=True, stderr=True, tail=20)
        return data.decode("utf-8", "replace")[-2000:].strip()


def tells_full_disk(text: str) -> bool:
    """Whether the engine, or a program of a build, says that there is no room."""
    return _FULL_DISK in text.lower()


def describe_full_disk() -> str:
    """Return what is the case then, and what helps."""
    return (
        "the disk of the Docker engine is full; see what takes it (docker system df), remove what nobody needs"
        " (airflow-ml environments prune, docker system prune), or give the engine a larger disk (data-root)"
    )


def home_label(root: Path) -> str:
    """Return what tells the containers of one installation from those of another on the same engine."""
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:16]


def _translated(what: str, error: docker_errors.APIError) -> Exception:
    text = _short(error)
    if tells_full_disk(text):
        return ServiceException(f"{describe_full_disk()} ({what}): {text}", inner_exception=error)
    if isinstance(error, docker_errors.ImageNotFound):
        return RunEnvironmentException(f"the Docker engine does not have the image ({what}): {text}")
    if _NO_DEVICE in text:
        return RunEnvironmentException(
            f"the Docker engine cannot hand GPUs into containers ({what}): {text}; install NVIDIA's container toolkit"
        )
    if error.status_code is not None and error.status_code < 500 and error.status_code != 409:
        return RunEnvironmentException(f"the Docker engine refuses ({what}): {text}")
    return ServiceException(f"the Docker engine failed ({what}): {text}", inner_exception=error)


def _short(error: BaseException) -> str:
    text = getattr(error, "explanation", None) or str(error)
    return (text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)).strip()[:1000]


def _state(found: Mapping[str, Any]) -> ContainerState:
    state = found["State"]
    return ContainerState(
        id=found["Id"],
        name=found["Name"].lstrip("/"),
        labels=found["Config"].get("Labels") or {},
        image=found["Image"],
        status=state["Status"],
        exit_code=state["ExitCode"],
        is_out_of_memory=bool(state.get("OOMKilled")),
        error=state.get("Error") or "",
        pid=state.get("Pid") or 0,
        started_at=_time(state["StartedAt"]),
        ended_at=_time(state["FinishedAt"]),
    )


def _time(text: str) -> datetime | None:
    """Read the engine's time, which has nanoseconds; the year 1 stands for never."""
    if text.startswith("0001"):
        return None
    whole, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{(fraction + '000000')[:6]}+00:00")
