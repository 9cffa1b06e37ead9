"""The script's argv and environment, by the rules of v1."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.execution.model import StepTask
from airflow_ml.graph import Argument, InputRef, OutputRef, Part
from airflow_ml.runtime.protocol import PARAMETER_PREFIX, RUN_DIRECTORY_VARIABLE

if TYPE_CHECKING:
    from airflow_ml.execution.inputs import StagedInput
    from airflow_ml.registry import RunRecord, WorkspaceRecord
    from airflow_ml.runtime.protocol import RunDirectory

__all__ = ["Script", "arguments_of", "command_of", "environment_of"]

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
#: Variables that Python and the dynamic loader act on.
_INTERPRETERS = re.compile(r"PYTHON|LD_")
_NOT_IN_VARIABLES = re.compile(r"\W")


@dataclass(frozen=True)
class Script:
    """What a script's argv and environment are made from."""

    task: StepTask
    run: RunRecord
    directory: RunDirectory
    inputs: Mapping[str, StagedInput]
    outputs: Mapping[str, Path]
    parameters: Mapping[str, str]
    library: Path


def command_of(script: Script, python: Path, environment: Mapping[str, str]) -> tuple[str, ...]:
    """
    Return the argv of the step's process: the script under the environment's Python, or the command.

    A command that was given as text is run by a shell, as v1 ran it; one that was given as a list is started as it is.
    """
    step = script.task.step
    line = step.settings.get("command_line")
    if line is not None:
        return (shutil.which("bash") or "/bin/sh", "-c", str(line))
    arguments = arguments_of(script, environment)
    return arguments if step.script is None else (str(python), step.script, *arguments)


def arguments_of(script: Script, environment: Mapping[str, str]) -> tuple[str, ...]:
    """
    Return the script's arguments; one item of the step's list is one of them.

    `$NAME` and `${NAME}` inside literal text stand for the script's environment, as v1 expanded them on the node;
    names that are not there stay as they are, and values that come from data or parameters are never expanded.
    """
    return tuple(_resolve(argument, script, environment) for argument in script.task.step.arguments)


def environment_of(script: Script, *, workspace: WorkspaceRecord, inherited: Mapping[str, str]) -> dict[str, str]:
    """
    Return the script's whole environment: inherited, the step's own, v1's variables, and ours.

    A name of an input or output never hides a variable that is there already, such as PATH.
    """
    run, step = script.run, script.task.step
    environment = {**inherited, **step.environment_variables}
    data = _data_variables(script)
    environment.update(
        {name: value for name, value in data.items() if name not in environment and not _INTERPRETERS.match(name)}
    )
    environment.update({name: value for name, value in data.items() if name.startswith("AZUREML_")})
    for name, argument in step.params.items():
        variable = PARAMETER_PREFIX + _NOT_IN_VARIABLES.sub("_", name)
        environment[variable] = _resolve(argument, script, environment)
    library = str(script.library)
    environment.update(
        {
            "AZUREML_RUN_ID": run.id,
            "AZUREML_ROOT_RUN_ID": run.root_id,
            "AZUREML_ARM_SUBSCRIPTION": workspace.subscription_id or "",
            "AZUREML_ARM_RESOURCEGROUP": workspace.resource_group or "",
            "AZUREML_ARM_WORKSPACE_NAME": workspace.name,
            "AZUREML_ARM_PROJECT_NAME": run.experiment,
            "AZUREML_EXPERIMENT_ID": run.experiment_id,
            "AZUREML_WORKSPACE_ID": workspace.id,
            "AZUREML_SERVICE_ENDPOINT": "airflow-ml",
            "AZUREML_RUN_TOKEN": "airflow-ml",
            RUN_DIRECTORY_VARIABLE: script.directory.root,
            "PYTHONPATH": os.pathsep.join(filter(None, (library, environment.get("PYTHONPATH")))),
            "PYTHONUNBUFFERED": "1",
        }
    )
    return environment


def _data_variables(script: Script) -> dict[str, str]:
    """Return the variables by which scripts find inputs and outputs without reading their arguments."""
    variables: dict[str, str] = {}
    for name, item in script.inputs.items():
        variables |= {name: item.text, name.upper(): item.text, f"AZUREML_DATAREFERENCE_{name}": item.text}
    for port in script.task.step.outputs:
        path = str(script.outputs[port.name])
        variables |= {port.name: path, f"AZUREML_DATAREFERENCE_{port.name}": path}
    datasets = [f"{name}:{item.port.mode}" for name, item in script.inputs.items() if item.dataset is not None]
    files = [port.name for port in script.task.step.outputs if port.kind == "file_dataset"]
    if datasets:
        variables["AZUREML_DATASET_ENVIRONMENT_VARS"] = ",".join(datasets)
    if files:
        variables["AZUREML_DATASET_FILE_OUTPUTS"] = ";".join(files)
    return variables


def _resolve(argument: Argument, script: Script, environment: Mapping[str, str]) -> str:
    return "".join(_resolve_part(part, script, environment) for part in argument)


def _resolve_part(part: Part, script: Script, environment: Mapping[str, str]) -> str:
    if isinstance(part, str):
        return _VARIABLE.sub(lambda match: environment.get(match[1] or match[2], match[0]), part)
    if isinstance(part, InputRef):
        return script.inputs[part.port].text
    if isinstance(part, OutputRef):
        return str(script.outputs[part.port])
    return script.parameters[part.name]
