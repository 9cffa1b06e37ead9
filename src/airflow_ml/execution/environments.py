"""
The environment of one attempt: found or built, its build log kept as a log of the run, and what it is in the record.

Whoever builds, or waits for a build, can be stopped like a script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from airflow_ml.compute.built_folders import Waiting, no_waiting
from airflow_ml.compute.engine_images import EngineImages
from airflow_ml.compute.image_names import image_names, pull_policy
from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.artifacts import store_artifacts
from airflow_ml.execution.connections import connection_named
from airflow_ml.execution.launching import wants_container
from airflow_ml.execution.stopping import StepStopped

if TYPE_CHECKING:
    from airflow_ml.compute.environment_images import BuiltImage
    from airflow_ml.compute.environments import Interpreter
    from airflow_ml.execution.attempt import Attempt
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Json

__all__ = ["BUILD_LOG_NAME", "definition_of", "fetch_images", "image_of", "interpreter_of"]

#: v1's name of the log of an image's build.
BUILD_LOG_NAME = "azureml-logs/20_image_build_log.txt"

_Built = TypeVar("_Built")


def definition_of(services: Services, task: StepTask) -> dict[str, Json]:
    """
    Return the definition of a step's environment; that of a registered one is looked up.

    Raises:
        RunEnvironmentException: the workspace has no such environment.
    """
    definition = dict(task.step.environment or {})
    if definition.get("by_reference"):
        version = cast("str | None", definition.get("version"))
        definition = dict(services.registry.environments.get(str(definition["name"]), version).definition)
    return definition


def interpreter_of(attempt: Attempt) -> Interpreter:
    """
    Return the interpreter of a step that runs as a process; the caller closes it when the script has ended.

    Raises:
        RunEnvironmentException: it cannot be built.
        StepStopped: the step was stopped meanwhile.
        ServiceException: the machine or the package index failed; trying again can help.
    """
    definition = definition_of(attempt.services, attempt.task)
    found = _with_build_log(attempt, lambda waiting: attempt.services.environments.build(definition, waiting))
    _warn(attempt, found.warnings)
    if found.hold is not None:
        _record(attempt, definition, {"digest": found.digest, "python": found.version})
    return found


def image_of(attempt: Attempt) -> BuiltImage:
    """
    Return what the step's container is started with; the caller closes it when the script has ended.

    Raises:
        RunEnvironmentException: image or packages cannot be had.
        StepStopped: the step was stopped meanwhile.
        ServiceException: engine, registry or package index failed; trying again can help.
    """
    services = attempt.services
    definition = definition_of(services, attempt.task)
    auth = _registry_login(definition)
    engine = services.containers.engine
    built = _with_build_log(attempt, lambda waiting: services.environments.image(definition, engine, waiting, auth))
    _warn(attempt, built.warnings)
    facts: dict[str, Json] = {
        "digest": built.digest,
        "python": built.python_version,
        "image": built.name,
        "image_id": built.id,
        "packages": None if built.packages is None else built.packages.name,
    }
    _record(attempt, definition, facts)
    return built


def fetch_images(services: Services, task: StepTask) -> None:
    """
    Have the engine know the images of a step's container, so that its fingerprint says which they are.

    What cannot be pulled is passed over: the attempt meets it too, and says so.
    """
    if not wants_container(services, task):
        return
    try:
        definition = definition_of(services, task)
        images = EngineImages(services.containers.engine, no_waiting, where=task.title)
        for name in image_names(definition):
            if pull_policy() != "never" and (pull_policy() == "always" or images.find(name) is None):
                images.pull(name, _registry_login(definition))
    except AzureMLException:
        return


def _with_build_log(attempt: Attempt, build: Callable[[Waiting], _Built]) -> _Built:
    """Return what the function builds; whatever becomes of it, its log becomes a log of the run."""
    title = attempt.title

    def check() -> None:
        attempt.watch.start_clock()  # the time limit is the script's
        reason = attempt.watch.reason()
        if reason is not None:
            raise StepStopped(f"{title} was stopped while its environment was built: {reason}")

    kept = attempt.root / "build_log.txt"
    waiting = Waiting(log=lambda line: attempt.log(f"{title}: {line}"), check=check, log_file=kept)
    try:
        return build(waiting)
    finally:
        if kept.is_file():
            _store(attempt, kept)


def _warn(attempt: Attempt, warnings: Iterable[str]) -> None:
    for warning in warnings:
        attempt.log(f"{attempt.title}: environment: {warning}")


def _record(attempt: Attempt, definition: Mapping[str, Json], facts: Mapping[str, Json]) -> None:
    """Record what the run's environment came to: later the definition alone would not tell."""
    named = {name: definition[name] for name in ("name", "version") if definition.get(name) is not None}
    attempt.services.registry.runs.set_details(attempt.run.id, {"environment": {**named, **facts}})


def _store(attempt: Attempt, file: Path) -> None:
    try:
        store_artifacts(attempt.services.store, attempt.run.id, {BUILD_LOG_NAME: file})
    except (AzureMLException, OSError) as error:  # the build's own end matters more
        attempt.log(f"the log of the environment's build could not be stored: {error}")


def _registry_login(definition: Mapping[str, Json]) -> dict[str, str] | None:
    """Return user name and password for the image's registry, where the definition names a connection for them."""
    section = definition.get("docker")
    name = section.get("base_image_registry_connection") if isinstance(section, Mapping) else None
    if not name:
        return None
    connection = connection_named(str(name), where=f"environment {definition.get('name')!r}: its image's registry")
    return {"username": connection.login, "password": connection.password}
