"""
The environment of one attempt: found or built, its build log kept as a log of the run, and what it is in the record.

Whoever builds, or waits for a build, can be stopped like a script.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

from airflow_ml.compute.built_folders import Waiting
from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.artifacts import store_artifacts
from airflow_ml.execution.stopping import StepStopped

if TYPE_CHECKING:
    from airflow_ml.compute.environments import Interpreter
    from airflow_ml.execution.model import LogLine, StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.execution.stopping import StopWatch
    from airflow_ml.graph import Json
    from airflow_ml.registry import RunRecord
    from airflow_ml.runtime.protocol import RunDirectory

__all__ = ["BUILD_LOG_NAME", "definition_of", "interpreter_of"]

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


def interpreter_of(
    services: Services, task: StepTask, run: RunRecord, directory: RunDirectory, watch: StopWatch, log: LogLine
) -> Interpreter:
    """
    Return the interpreter of a step that runs as a process; the caller closes it when the script has ended.

    Raises:
        RunEnvironmentException: it cannot be built.
        StepStopped: the step was stopped meanwhile.
        ServiceException: the machine or the package index failed; trying again can help.
    """
    definition = definition_of(services, task)
    found = with_build_log(
        services, task, run, directory, watch, log, lambda waiting: services.environments.build(definition, waiting)
    )
    for warning in found.warnings:
        log(f"{task.title}: environment: {warning}")
    if found.hold is not None:
        facts: dict[str, Json] = {"digest": found.digest, "python": found.version}
        record_environment(services, run, definition, facts)
    return found


def with_build_log(
    services: Services,
    task: StepTask,
    run: RunRecord,
    directory: RunDirectory,
    watch: StopWatch,
    log: LogLine,
    build: Callable[[Waiting], _Built],
) -> _Built:
    """Return what the function builds; whatever becomes of it, its log becomes a log of the run."""

    def check() -> None:
        watch.start_clock()  # the time limit is the script's
        reason = watch.reason()
        if reason is not None:
            raise StepStopped(f"{task.title} was stopped while its environment was built: {reason}")

    kept = Path(directory.root, "build_log.txt")
    waiting = Waiting(log=lambda line: log(f"{task.title}: {line}"), check=check, log_file=kept)
    try:
        return build(waiting)
    finally:
        if kept.is_file():
            _store(services, run, kept, log)


def record_environment(
    services: Services, run: RunRecord, definition: Mapping[str, Json], facts: Mapping[str, Json]
) -> None:
    """Record what a run's environment came to: later the definition alone would not tell."""
    named = {name: definition[name] for name in ("name", "version") if definition.get(name) is not None}
    services.registry.runs.set_details(run.id, {"environment": {**named, **facts}})


def _store(services: Services, run: RunRecord, file: Path, log: LogLine) -> None:
    try:
        store_artifacts(services.store, run.id, {BUILD_LOG_NAME: file})
    except (AzureMLException, OSError) as error:  # the build's own end matters more
        log(f"the log of the environment's build could not be stored: {error}")
