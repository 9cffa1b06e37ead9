"""
What `DockerConfiguration.arguments` may say: the options of `docker run` that are the step's own affair.

v1 handed everything to docker on a machine that was rented for the run. Here the machine belongs to everybody, so an
option is taken if it can do no harm to others, and refused in words otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from airflow_ml.compute.container import Limits
from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.graph.secret_names import is_secret_name

__all__ = ["ContainerArguments", "read_arguments", "read_size"]

_Number = TypeVar("_Number", int, float)

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?\Z", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}

#: Why an option is refused, and what does what it is good for.
_REFUSED = {
    "--cap-add": "a step gets no capabilities of the machine's kernel",
    "--device": "devices are leased: ask for GPUs by gpus= or by the compute target",
    "--entrypoint": "the step's script is what is started",
    "--gpus": "devices are leased: ask for GPUs by gpus= or by the compute target",
    "--ipc": "it would share memory with other steps; ask for shared memory by shm_size",
    "--mount": "a step sees its run directory and its inputs; use a dataset, or an input with path_on_compute",
    "--name": "the container is called by the run",
    "--pid": "a step does not see the machine's processes",
    "--privileged": "a step is never privileged",
    "--restart": "a failed step is tried again by Airflow",
    "--runtime": "GPUs come by their lease, without a runtime of their own",
    "--security-opt": "a step gains no privileges",
    "--user": "a step runs as the worker's user, so that its files belong to that one",
    "--volume": "a step sees its run directory and its inputs; use a dataset, or an input with path_on_compute",
}
_SHORT = {"-e": "--env", "-h": "--hostname", "-m": "--memory", "-u": "--user", "-v": "--volume", "--net": "--network"}
#: Options that say what is so anyway.
_ALWAYS = frozenset({"--init", "--rm"})


@dataclass(frozen=True)
class ContainerArguments:
    """
    What a step's arguments ask for; None where they ask for nothing.

    Attributes:
        variables: environment variables; a step's own come behind them.
    """

    cpus: float | None = None
    memory: int | None = None
    shared_memory: int | None = None
    processes: int | None = None
    network: Literal["bridge", "none"] = "bridge"
    hostname: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    ulimits: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def within(self, node: Limits) -> Limits:
        """Return the limits of a container on a node: what was asked for, and never more than the node has."""
        return Limits(
            cpus=_smaller(self.cpus, node.cpus),
            memory=_smaller(self.memory, node.memory),
            shared_memory=self.shared_memory if self.shared_memory is not None else node.shared_memory,
            processes=min(self.processes or node.processes, node.processes),
        )


def read_arguments(arguments: Sequence[str]) -> ContainerArguments:
    """
    Read options of `docker run`, as `--name=value`, as `--name value` in one text, or as two.

    Raises:
        NotSupportedError: an option that a step may not have; the text says why, and what to do.
        UserErrorException: a value that is none.
    """
    read = ContainerArguments()
    for name, value in _options(arguments):
        reader = _READERS.get(name)
        if reader is None:
            raise NotSupportedError(
                f"docker argument {name!r}: {_REFUSED.get(name, 'it is none of those that a step may have')}; allowed"
                f" are {', '.join(sorted(_READERS))}"
            )
        try:
            read = reader(read, value)
        except ValueError as error:
            raise UserErrorException(f"docker argument {name!r} is {value!r}: {error}") from error
    return read


def read_size(text: str) -> int:
    """Return bytes from text such as `2g` or `512m`; raises ValueError for anything else."""
    match = _SIZE.match(text.strip())
    if match is None or float(match[1]) <= 0:
        raise ValueError("expected a size such as 2g or 512m")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def _options(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    words = [word for argument in arguments for word in _split(str(argument))]
    while words:
        name, has_value, value = words.pop(0).partition("=")
        name = _SHORT.get(name, name)
        if not name.startswith("-"):
            raise UserErrorException(f"docker argument {name!r}: expected an option such as --shm-size=2g")
        if name in _ALWAYS:
            continue
        if not has_value and words and not words[0].startswith("-"):
            value = words.pop(0)
        yield name, value


def _split(argument: str) -> list[str]:
    """Split `--name value`, written as one; a value may hold blanks itself."""
    name, _, value = argument.strip().partition(" ")
    return [name, value.strip()] if value and name.startswith("-") and "=" not in name else [argument.strip()]


def _smaller(asked: _Number | None, has: _Number | None) -> _Number | None:
    if asked is None or has is None:
        return has if asked is None else asked
    return min(asked, has)


def _number(text: str) -> float:
    number = float(text)
    if not 0 < number < 1e6:
        raise ValueError("expected a number above 0")
    return number


def _network(read: ContainerArguments, value: str) -> ContainerArguments:
    if value == "none":
        return replace(read, network="none")
    if value == "bridge":
        return replace(read, network="bridge")
    raise ValueError("a step reaches out by the network 'bridge', or nothing by 'none'; others would let it see more")


def _variable(read: ContainerArguments, value: str) -> ContainerArguments:
    name, has_value, text = value.partition("=")
    if not has_value:
        raise ValueError("expected NAME=VALUE; variables of the worker are not handed on")
    if is_secret_name(name):
        raise ValueError(f"{name} looks like a secret, and arguments are recorded; let the script ask the workspace")
    return replace(read, variables={**read.variables, name: text})


def _ulimit(read: ContainerArguments, value: str) -> ContainerArguments:
    name, _, numbers = value.partition("=")
    soft, _, hard = numbers.partition(":")
    if not name or not soft:
        raise ValueError("expected NAME=SOFT or NAME=SOFT:HARD")
    return replace(read, ulimits={**read.ulimits, name: (int(soft), int(hard or soft))})


def _tmpfs(read: ContainerArguments, value: str) -> ContainerArguments:
    place, _, options = value.partition(":")
    if not place.startswith("/") or place == "/":
        raise ValueError("expected an absolute path below /")
    return replace(read, tmpfs={**read.tmpfs, place: options})


_READERS: Mapping[str, Callable[[ContainerArguments, str], ContainerArguments]] = {
    "--cpus": lambda read, value: replace(read, cpus=_number(value)),
    "--env": _variable,
    "--hostname": lambda read, value: replace(read, hostname=value or None),
    "--memory": lambda read, value: replace(read, memory=read_size(value)),
    "--network": _network,
    "--pids-limit": lambda read, value: replace(read, processes=int(_number(value))),
    "--shm-size": lambda read, value: replace(read, shared_memory=read_size(value)),
    "--tmpfs": _tmpfs,
    "--ulimit": _ulimit,
}
