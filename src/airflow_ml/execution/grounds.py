"""What a script stands on: an interpreter, variables, and, in a container, an image and what is mounted besides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from airflow_ml.compute.container import Mount
from airflow_ml.exceptions import RunEnvironmentException
from airflow_ml.execution.launching import users_variables

if TYPE_CHECKING:
    from airflow_ml.execution.inputs import StagedInput
    from airflow_ml.execution.model import LogLine, StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Json
    from airflow_ml.runtime.protocol import RunDirectory

__all__ = ["Ground", "container_ground", "outside_mounts"]


@dataclass(frozen=True)
class Ground:
    """
    What a script stands on.

    Attributes:
        python: the interpreter's path, or its name, which is looked up where the script runs.
        variables: the environment that the step's own variables are added to.
        image: id of the container's image; None for a process of this machine.
        mounts: what the container sees besides its run directory.
    """

    python: Path
    variables: Mapping[str, str]
    image: str | None = None
    mounts: Sequence[Mount] = field(default_factory=tuple)


def container_ground(
    services: Services, task: StepTask, definition: Mapping[str, Json], directory: RunDirectory, _log: LogLine
) -> Ground:
    """
    Return what the script of a container stands on: the image's own environment, and nothing of the worker's.

    Raises:
        RunEnvironmentException: the engine does not have the image.
        ServiceException: the engine does not answer.
    """
    docker = cast("Mapping[str, Json]", definition.get("docker") or {})
    python = cast("Mapping[str, Json]", definition.get("python") or {})
    name = str(docker.get("base_image") or "")
    image = services.containers.engine.image(name)
    if image is None:
        raise RunEnvironmentException(
            f"{task.title}: image {name!r} is not on this machine's Docker engine; pull it (docker pull {name}) or"
            " build it there"
        )
    own = cast("Mapping[str, Json]", definition.get("environment_variables") or {})
    variables = {
        **image.environment,
        **users_variables(task, directory),
        **{key: str(value) for key, value in own.items()},
    }
    return Ground(Path(str(python.get("interpreter_path") or "python")), variables, image.id)


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
