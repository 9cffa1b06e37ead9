"""What a script stands on: an interpreter, variables, and, in a container, an image and what is mounted besides."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.compute.container import Mount
from airflow_ml.compute.request import inherited_environment
from airflow_ml.execution.environments import image_of, interpreter_of
from airflow_ml.execution.launching import users_variables

if TYPE_CHECKING:
    from airflow_ml.compute.built_folders import Hold
    from airflow_ml.execution.attempt import Attempt
    from airflow_ml.execution.inputs import StagedInput
    from airflow_ml.execution.model import StepTask

__all__ = ["Ground", "container_ground", "outside_mounts", "process_ground"]


@dataclass(frozen=True)
class Ground:
    """
    What a script stands on.

    Attributes:
        python: the interpreter's path, or its name, which is looked up where the script runs.
        variables: the environment that the step's own variables are added to.
        image: id of the container's image; None for a process of this machine.
        mounts: what the container sees besides its run directory.
        holds: keep what was built for it from being removed, until they are closed.
    """

    python: Path
    variables: Mapping[str, str]
    image: str | None = None
    mounts: Sequence[Mount] = field(default_factory=tuple)
    holds: tuple[Hold, ...] = ()


def process_ground(attempt: Attempt) -> Ground:
    """
    Return what the script of a process stands on: the worker's environment with the definition's variables.

    `python` on its PATH is the interpreter.

    Raises:
        RunEnvironmentException: its environment cannot be built.
        StepStopped: the step was stopped meanwhile.
        ServiceException: the machine or the package index failed; trying again can help.
    """
    found = interpreter_of(attempt)
    variables = {**inherited_environment(), **found.environment_variables}
    variables["PATH"] = os.pathsep.join([str(found.python.parent), variables.get("PATH") or os.defpath])
    return Ground(found.python, variables, holds=() if found.hold is None else (found.hold,))


def container_ground(attempt: Attempt) -> Ground:
    """
    Return what the script of a container stands on: the image's own environment, and nothing of the worker's.

    Raises:
        RunEnvironmentException: image or packages cannot be had.
        StepStopped: the step was stopped meanwhile.
        ServiceException: engine, registry or package index failed; trying again can help.
    """
    built = image_of(attempt)
    variables = {
        **built.container_variables,
        **users_variables(attempt.task, attempt.directory),
        **built.environment_variables,
    }
    mounts = () if built.packages is None else (Mount(built.packages, built.packages),)
    return Ground(built.python, variables, built.id, mounts, built.holds)


def outside_mounts(task: StepTask, inputs: Mapping[str, StagedInput], outputs: Mapping[str, Path]) -> list[Mount]:
    """Return mounts for the absolute places that inputs and outputs asked for by `path_on_compute`."""
    found = [
        Mount(item.path.resolve(), item.path)
        for item in inputs.values()
        if item.path is not None and (item.port.path_on_compute or "").startswith("/")
    ]
    for port in task.step.outputs:
        if (port.path_on_compute or "").startswith("/"):
            # What is mounted has to be there: in a container such a place is always a folder.
            outputs[port.name].mkdir(exist_ok=True)
            found.append(Mount(outputs[port.name], outputs[port.name], is_read_only=False))
    return found
