"""Which launcher a step gets, and, for one of containers, what its container is made of."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from airflow_ml.compute.container import Container, Limits, Mount
from airflow_ml.compute.container_arguments import ContainerArguments, read_arguments, read_size
from airflow_ml.compute.docker_engine import home_label
from airflow_ml.compute.docker_launcher import keep_seconds
from airflow_ml.compute.targets import TargetSettings
from airflow_ml.exceptions import AzureMLException, UserErrorException
from airflow_ml.runtime.protocol import PATIENCE_VARIABLE

if TYPE_CHECKING:
    from airflow_ml.compute.docker_launcher import DockerLauncher
    from airflow_ml.compute.launcher import Launcher
    from airflow_ml.execution.attempt import Attempt
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Step
    from airflow_ml.registry import ComputeTargetRecord, RunRecord
    from airflow_ml.runtime.protocol import RunDirectory

__all__ = [
    "check_container",
    "container_of",
    "docker_launcher_of",
    "labels_of",
    "launcher_of",
    "users_variables",
    "wants_container",
]


def launcher_of(services: Services, task: StepTask) -> Launcher:
    """Return what starts the step's script: a container if its target or its run configuration says so."""
    return services.containers if wants_container(services, task) else services.launcher


def docker_launcher_of(services: Services, task: StepTask) -> DockerLauncher | None:
    """Return the launcher of the step's container; None for a step that runs as a process."""
    return services.containers if wants_container(services, task) else None


def wants_container(services: Services, task: StepTask) -> bool:
    """Whether the step runs in a container of this machine's engine."""
    if task.step.kind == "data_transfer":
        return False
    if task.step.run_settings.get("use_docker"):
        return True
    target = _target(services, task.step)
    return target is not None and target.launcher == "docker"


def check_container(step: Step, target: ComputeTargetRecord | None, where: str) -> None:
    """
    Refuse what a container may not have, before the first step of the run.

    Raises:
        UserErrorException: it asks for such a thing; the text says what, and what to do.
    """
    is_docker = (
        target is not None and TargetSettings.read(target.name, target.type, target.settings).launcher == "docker"
    )
    if not is_docker and not step.run_settings.get("use_docker"):
        return
    try:
        _arguments(step)
        _shared_memory(step)
    except AzureMLException as error:
        raise error.at(where) from error


def container_of(attempt: Attempt, image: str, more: Sequence[Mount] = ()) -> Container:
    """
    Return what the step's container is made of.

    It sees its run directory at the same path as the worker, so that paths mean the same on both sides; its inputs
    and the step library can only be read.

    Args:
        image: its id, so that a name that moves meanwhile changes nothing.
        more: what it sees besides.
    """
    services, task, root = attempt.services, attempt.task, attempt.root
    asked = _arguments(task.step)
    inputs, library = Path(attempt.directory.inputs), services.step_library()
    mounts = [Mount(root, root, is_read_only=False), Mount(inputs, inputs)]
    return Container(
        image=image,
        labels=labels_of(services, task, attempt.run),
        mounts=(*mounts, Mount(library, library), *more),
        limits=asked.within(_node_limits(services, task.step)),
        network=asked.network,
        hostname=asked.hostname,
        tmpfs=asked.tmpfs,
        ulimits=asked.ulimits,
    )


def users_variables(task: StepTask, directory: RunDirectory) -> dict[str, str]:
    """
    Return the variables by which programs find out who runs them and where they may write, and the arguments' own.

    The image knows nothing of the worker's user: without these, its home would be `/`, and it would have no name.
    """
    variables = {**_arguments(task.step).variables, PATIENCE_VARIABLE: f"{keep_seconds():g}"}
    if os.geteuid() == 0:
        return {"USER": "root", "LOGNAME": "root", **variables}
    home = Path(directory.root, "home")
    home.mkdir(exist_ok=True)
    name = str(os.geteuid())
    with suppress(KeyError):
        name = pwd.getpwuid(os.geteuid()).pw_name
    return {"HOME": str(home), "USER": name, "LOGNAME": name, **variables}


def labels_of(services: Services, task: StepTask, run: RunRecord) -> dict[str, str]:
    """Return the labels by which people and the next try find the container; the launcher adds those of its own."""
    reuse = cast("Mapping[str, object]", run.details.get("reuse") or {})
    return {
        "workspace": services.registry.workspace.name,
        "dag": task.task.dag_id,
        "run": task.task.dag_run_id,
        "task": task.task.task_id,
        "map_index": str(task.task.map_index),
        "try": str(task.task.try_number),
        "fingerprint": str(reuse.get("fingerprint") or ""),
        "home": home_label(services.home.root),
    }


def _target(services: Services, step: Step) -> TargetSettings | None:
    record = None if step.compute is None else services.registry.compute_targets.find(step.compute)
    return None if record is None else TargetSettings.read(record.name, record.type, record.settings)


def _arguments(step: Step) -> ContainerArguments:
    given = step.run_settings.get("docker_arguments") or []
    section = cast("Mapping[str, object]", (step.environment or {}).get("docker") or {})
    environments = section.get("arguments") or []
    return read_arguments([str(item) for item in [*cast("list[str]", environments), *cast("list[str]", given)]])


def _shared_memory(step: Step) -> int | None:
    """Return what the run configuration says; v1 let it win over the environment's section."""
    section = cast("Mapping[str, object]", (step.environment or {}).get("docker") or {})
    text = step.run_settings.get("shm_size") or section.get("shm_size")
    if not text:
        return None
    try:
        return read_size(str(text))
    except ValueError as error:
        raise UserErrorException(f"shm_size is {text!r}: {error}") from error


def _node_limits(services: Services, step: Step) -> Limits:
    target = _target(services, step)
    node = None if target is None else target.node
    shared = _shared_memory(step)
    return Limits(
        cpus=None if node is None else float(node.cpus),
        memory=_machines_memory() if node is None else int(node.memory_gib * (1 << 30)),
        **({} if shared is None else {"shared_memory": shared}),
    )


def _machines_memory() -> int | None:
    """Return the most that one step may take of a machine whose nodes have no size: the worker must live on."""
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None
    return pages * size * 9 // 10
