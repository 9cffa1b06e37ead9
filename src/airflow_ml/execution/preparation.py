"""Everything that has to be in place before a step's script can start."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.exceptions import StepFailedError
from airflow_ml.execution.grounds import container_ground, outside_mounts, process_ground
from airflow_ml.execution.inputs import StagedInput, stage_inputs
from airflow_ml.execution.launching import container_of
from airflow_ml.execution.pipelines import parameter_texts
from airflow_ml.execution.script import Script, command_of, environment_of
from airflow_ml.graph import OutputPort
from airflow_ml.runtime.protocol import VERSION
from airflow_ml.snapshots.materialise import materialise
from airflow_ml.storage.fuse_mount import wants_fuse

if TYPE_CHECKING:
    from airflow_ml.compute.built_folders import Hold
    from airflow_ml.compute.container import Container
    from airflow_ml.execution.attempt import Attempt
    from airflow_ml.execution.model import StepTask
    from airflow_ml.graph import Json
    from airflow_ml.runtime.protocol import RunDirectory
    from airflow_ml.storage.in_place import Bind

__all__ = ["Prepared", "prepare"]


@dataclass(frozen=True)
class Prepared:
    """
    A step that is ready to start.

    Attributes:
        python: the interpreter that the script runs under.
        outputs: where the script writes each declared output.
        states: which files were staged as inputs, by the input's name.
        binds: what the launcher binds for the script.
        container: what it runs in; None for a process of this machine.
        holds: keep its environment from being removed, until the attempt ends.
    """

    python: Path
    argv: tuple[str, ...]
    environment: Mapping[str, str]
    outputs: Mapping[str, Path]
    states: Mapping[str, str]
    binds: Sequence[Bind]
    container: Container | None = None
    holds: tuple[Hold, ...] = ()

    @property
    def held(self) -> tuple[int, ...]:
        """Descriptors of the holds, for the script's keeper."""
        return tuple(hold.fileno() for hold in self.holds)


def prepare(attempt: Attempt) -> Prepared:
    """Fill the run directory and return what to start; what keeps its environment is let go of with the attempt."""
    services, task, run, directory = attempt.services, attempt.task, attempt.run, attempt.directory
    for folder in (directory.code, directory.inputs, directory.data, directory.uploads, directory.requests):
        Path(folder).mkdir(parents=True, exist_ok=True)
    Path(directory.log).parent.mkdir(exist_ok=True)
    if run.snapshot_id is not None:
        materialise(services.artifacts, run.snapshot_id, Path(directory.code))
    find_ground = container_ground if attempt.is_in_container else process_ground
    ground = find_ground(attempt)
    for hold in ground.holds:
        attempt.place.ending.callback(hold.close)
    binds: list[Bind] = []
    lazy = attempt.place.mounts if wants_fuse({**ground.variables, **task.step.environment_variables}) else None
    inputs = stage_inputs(attempt, binds, lazy)
    outputs = {port.name: _make_place(task, port, directory, attempt.place.outside) for port in task.step.outputs}
    services.registry.inputs.record(run.id, [item.lineage for item in inputs.values()])
    parameters = parameter_texts(task.pipeline)
    _write_context(attempt, inputs, outputs, parameters)
    script = Script(
        task=task,
        run=run,
        directory=directory,
        inputs=inputs,
        outputs=outputs,
        parameters=parameters,
        library=services.step_library(),
    )
    environment = environment_of(
        script,
        workspace=services.registry.workspace,
        inherited=ground.variables,
    )
    container = None
    if ground.image is not None:
        placed = outside_mounts(task, inputs, outputs)
        container = container_of(attempt, ground.image, [*ground.mounts, *placed])
    return Prepared(
        python=ground.python,
        argv=command_of(script, ground.python, environment),
        environment=environment,
        outputs=outputs,
        binds=binds,
        states={name: item.state for name, item in inputs.items() if item.state is not None},
        container=container,
        holds=ground.holds,
    )


def _make_place(task: StepTask, port: OutputPort, directory: RunDirectory, outside: list[Path]) -> Path:
    """
    Return the path at which the script writes an output.

    A PipelineData's path must not exist, because the script may write a file there; only its parent does. An output
    configuration's folder exists, because scripts write straight into it (v1, details 3).
    """
    wanted = port.path_on_compute
    place = Path(directory.data, port.name) if not wanted else Path(directory.code, wanted)
    where = f"{task.title}: output {port.name!r}: output_path_on_compute {wanted!r}"
    if wanted and not wanted.startswith("/") and not directory.contains(str(place)):
        raise StepFailedError(f"{where} leads out of the run directory; write it without '..'")
    if wanted and wanted.startswith("/"):
        if os.path.lexists(place):
            raise StepFailedError(f"{where} exists on this machine already; use a relative path, or another one")
        outside.append(place)
    (place if port.kind == "file_dataset" else place.parent).mkdir(parents=True, exist_ok=True)
    return place


def _write_context(
    attempt: Attempt, inputs: Mapping[str, StagedInput], outputs: Mapping[str, Path], parameters: Mapping[str, str]
) -> None:
    run, directory, workspace = attempt.run, attempt.directory, attempt.services.registry.workspace
    context: dict[str, Json] = {
        "protocol": VERSION,
        "run": {
            "id": run.id,
            "name": run.name,
            "number": run.number,
            "experiment": run.experiment,
            "experiment_id": run.experiment_id,
            "parent_id": run.parent_id,
            "root_id": run.root_id,
            "attempt": run.attempt,
            "kind": run.kind,
        },
        "workspace": {
            "name": workspace.name,
            "subscription_id": workspace.subscription_id,
            "resource_group": workspace.resource_group,
            "id": workspace.id,
        },
        "parameters": dict(parameters),
        "inputs": {name: _input_data(item) for name, item in inputs.items()},
        "outputs": {
            port.name: {"kind": port.kind, "path": str(outputs[port.name])} for port in attempt.task.step.outputs
        },
        "tags": dict(run.tags),
        "properties": dict(run.properties),
    }
    temporary = f"{directory.context}.{os.getpid()}"
    Path(temporary).write_text(json.dumps(context), encoding="utf-8")
    Path(temporary).replace(directory.context)


def _input_data(item: StagedInput) -> dict[str, Json]:
    dataset = item.dataset
    return {
        "mode": item.port.mode,
        "kind": item.kind,
        "path": None if item.path is None else str(item.path),
        "dataset": None
        if dataset is None
        else {
            "id": dataset.id,
            "name": dataset.name,
            "version": dataset.version,
            "definition": dict(dataset.definition),
        },
    }
