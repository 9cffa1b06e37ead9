"""
What versions of modules hold, as data, and back; imported at its first use.

The code is a snapshot, so that a version runs the same whatever becomes of the folder it was published from.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from airflow_ml.core._file_form import file_form, fill
from airflow_ml.core.runconfig import RunConfiguration
from airflow_ml.data._caller import base_directory
from airflow_ml.exceptions import GraphError, NotSupportedError
from airflow_ml.execution.captures import capture_all
from airflow_ml.execution.services import open_services
from airflow_ml.graph import Graph, Step
from airflow_ml.graph.names import is_word
from airflow_ml.pipeline.core._definitions import InputPortDef, OutputPortDef, ParamDef
from airflow_ml.pipeline.core._scripts import find_script
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter

if TYPE_CHECKING:
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph import Json

__all__ = ["highest_version", "port_definitions", "read_runconfig", "script_definition"]

_DOTTED = re.compile(r"\d+(\.\d+)*")

#: Attributes of ports that a definition keeps, by the class of the port.
_PORTS: Mapping[type, tuple[str, ...]] = {
    InputPortDef: (
        *("name", "data_types", "default_datastore_mode", "default_path_on_compute", "is_optional"),
        *("default_overwrite", "default_data_reference_name", "is_resource", "label"),
    ),
    OutputPortDef: (
        *("name", "default_datastore_name", "default_datastore_mode", "default_path_on_compute", "is_directory"),
        *("data_type", "default_overwrite", "label"),
    ),
}


def script_definition(
    workspace: Workspace,
    module: str,
    *,
    script_name: str,
    source_directory: str | None,
    inputs: Sequence[object],
    outputs: Sequence[object],
    params: Mapping[str, object],
    arguments: Sequence[object],
    runconfig: RunConfiguration | None,
) -> dict[str, Json]:
    """
    Return the definition of a Python script with its ports, and capture its folder.

    Raises:
        ValueError: no such script, or a port, parameter or argument that cannot be one.
        UserErrorException: the folder cannot be captured.
    """
    place = find_script(module, base_directory(), os.fspath(source_directory or "."), script_name)
    ports = [*_checked(inputs, InputPortDef, module), *_checked(outputs, OutputPortDef, module)]
    names = [str(port["name"]) for port in ports]
    for name in names:
        if not is_word(name) or names.count(name) > 1:
            raise GraphError(
                f"module {module!r}: port {name!r}: give each port a name of its own, of letters and digits"
            )
    definition: dict[str, Any] = {
        "kind": "python_script",
        "script": place.script,
        "inputs": ports[: len(inputs)],
        "outputs": ports[len(inputs) :],
        "params": {str(name): _value(value, module, f"params[{name!r}]") for name, value in params.items()},
        "arguments": [_argument(item, module) for item in arguments],
        "runconfig": None if runconfig is None else _form(runconfig, module),
    }
    step = Step("module", module, "python_script", script=place.script, source_directory=place.directory)
    with open_services(workspace.ref) as services:
        definition["snapshot"] = capture_all(services, Graph(module, workspace.ref, (step,)))[step.id]
    return definition


def _checked(ports: Sequence[object], kind: type, module: str) -> list[dict[str, Json]]:
    for port in ports:
        if not isinstance(port, kind):
            raise GraphError(f"module {module!r}: {port!r} is no {kind.__name__}; give one for each port")
        if getattr(port, "training_output", None) is not None:
            raise NotSupportedError(
                f"module {module!r}: training_output belongs to HyperDrive and AutoML; leave it out"
            )
    return [{name: getattr(port, name) for name in _PORTS[kind]} for port in ports]


def _argument(item: object, module: str) -> Json:
    for kind, key in ((InputPortDef, "input"), (OutputPortDef, "output"), (ParamDef, "param")):
        if isinstance(item, kind):
            return {key: str(item.name)}
    return _value(item, module, "argument")


def _value(value: object, module: str, what: str) -> Json:
    if isinstance(value, PipelineParameter) or not isinstance(value, (str, int, float, type(None), Path)):
        raise GraphError(
            f"module {module!r}: {what} is {value!r}; give text, a number, or the definition of a port or parameter,"
            " and pass data and PipelineParameters to the ModuleStep"
        )
    return str(value) if isinstance(value, Path) else value


def _form(runconfig: RunConfiguration, module: str) -> dict[str, Json]:
    runconfig.check_supported(where=f"module {module!r}")
    return file_form(runconfig)


def read_runconfig(definition: Mapping[str, Json]) -> RunConfiguration | None:
    """Return the run configuration that was given when the version was published."""
    form = definition.get("runconfig")
    if form is None:
        return None
    config = RunConfiguration()
    fill(config, form, where="run configuration of a module version")
    return config


def port_definitions(definition: Mapping[str, Json]) -> tuple[list[InputPortDef], list[OutputPortDef], list[ParamDef]]:
    """Return the ports and parameters of a version as v1's objects."""
    inputs = cast("list[dict[str, Any]]", definition["inputs"])
    outputs = cast("list[dict[str, Any]]", definition["outputs"])
    params = cast("Mapping[str, Json]", definition["params"])
    return (
        [InputPortDef(**port) for port in inputs],
        [OutputPortDef(**port) for port in outputs],
        [ParamDef(name, default, set_env_var=True) for name, default in params.items()],
    )


def highest_version(versions: Sequence[str]) -> str | None:
    """Return the highest of dotted numbers, else the last one (v1's rule for modules without a default version)."""
    if versions and all(_DOTTED.fullmatch(version) for version in versions):
        return max(versions, key=lambda version: [int(part) for part in version.split(".")])
    return versions[-1] if versions else None
