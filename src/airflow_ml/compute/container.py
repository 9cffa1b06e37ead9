"""What a step's container is made of and what it may have: data alone, nothing here speaks to an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

__all__ = ["Container", "Limits", "Mount"]

#: v1's shared memory of a container; docker's own default of 64 MB breaks PyTorch's data loaders.
_SHARED_MEMORY = 2 << 30
#: Processes and threads of one step; numerical libraries start some per core, a fork bomb starts all that it can.
_MOST_PROCESSES = 4096


@dataclass(frozen=True)
class Mount:
    """A folder or file of this machine and where the container sees it."""

    source: Path
    target: Path
    is_read_only: bool = True


@dataclass(frozen=True)
class Limits:
    """
    The most that a container may take.

    Attributes:
        cpus: processors, in parts of one; None means all of the machine.
        memory: bytes, swap included; None means all of the machine.
        shared_memory: bytes of /dev/shm; they count as memory when they are used.
        processes: processes and threads at one time.
    """

    cpus: float | None = None
    memory: int | None = None
    shared_memory: int = _SHARED_MEMORY
    processes: int = _MOST_PROCESSES


@dataclass(frozen=True)
class Container:
    """
    What a step's container is made of and what it may have.

    Attributes:
        image: id or name of an image that the engine has.
        labels: what finds the container again; `airflow_ml.compute.docker_engine` has their names.
        mounts: what it sees besides the image, its run directory included.
        user: `uid:gid`; None means the worker's own.
        network: `bridge` reaches out, `none` reaches nothing; there is no other.
        hostname: the engine's choice if None.
        tmpfs: places in memory with their options, as `docker run --tmpfs` has them.
        ulimits: soft and hard limits by name, as `docker run --ulimit` has them.
    """

    image: str
    labels: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    limits: Limits = Limits()
    user: str | None = None
    network: Literal["bridge", "none"] = "bridge"
    hostname: str | None = None
    tmpfs: Mapping[str, str] = field(default_factory=dict)
    ulimits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
