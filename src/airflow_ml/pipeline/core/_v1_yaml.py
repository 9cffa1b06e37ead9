"""
Pipelines from YAML files: v1's, and those that our runs save. Imported at its first use.

v1's file has one section `pipeline` with parameters, data references, a default compute target and steps by name.
Steps name their data by `source` and `destination`; what neither the parameters nor the references know is data
between two steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_ml._late import late
from airflow_ml.core.datastore import Datastore
from airflow_ml.core.runconfig import RunConfiguration
from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.datapath import DataPath, DataPathComputeBinding
from airflow_ml.exceptions import GraphError, NotSupportedError
from airflow_ml.pipeline.core import _graph_yaml
from airflow_ml.pipeline.core.pipeline import Pipeline
from airflow_ml.pipeline.core.pipeline_data import PipelineData
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter
from airflow_ml.pipeline.core.port_bindings import InputPortBinding
from airflow_ml.pipeline.steps.python_script_step import PythonScriptStep

if TYPE_CHECKING:
    from airflow_ml.core.workspace import Workspace

__all__ = ["load_pipeline"]

yaml: Any = late("yaml")

#: What a step's section may hold besides its type; v1's other keys belong to other types.
_STEP_KEYS = {
    *("type", "name", "script_name", "source_directory", "allow_reuse", "version", "hash_paths", "compute"),
    *("runconfig", "runconfig_parameters", "parameters", "inputs", "outputs", "arguments"),
}
_KINDS: Mapping[str, Callable[..., object]] = {"string": str, "int": int, "float": float, "bool": bool}
_OUTPUT_KEYS = {
    "bind_mode": "output_mode",
    "path_on_compute": "output_path_on_compute",
    "overwrite": "output_overwrite",
}

Section = Mapping[str, Any]


def load_pipeline(workspace: Workspace, filename: str) -> Pipeline:
    """
    Build the pipeline of a file.

    Raises:
        ValueError: the file cannot be read or has another shape.
        NotSupportedError: a step of another type than PythonScriptStep.
    """
    try:
        document = yaml.safe_load(Path(filename).read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise GraphError(f"pipeline file {filename!r}: cannot be read: {error}") from error
    section = document.get("pipeline") if isinstance(document, dict) else None
    if not isinstance(section, dict):
        raise GraphError(f"pipeline file {filename!r}: has no section 'pipeline'; write one, with 'steps' in it")
    if "graph" in section:
        return Pipeline._of_graph(workspace, replace(_graph_yaml.load(filename), workspace=workspace.ref))
    return _File(workspace, filename, section).pipeline()


class _File:
    """One file in v1's form."""

    def __init__(self, workspace: Workspace, filename: str, section: Section) -> None:
        self._workspace = workspace
        self._where = f"pipeline file {filename!r}"
        self._section = section
        self._parameters = {name: self._parameter(name, entry) for name, entry in self._part("parameters").items()}
        self._references = {name: self._reference(name, entry) for name, entry in self._part("data_references").items()}
        self._data: dict[str, PipelineData] = {}
        self._datasets: dict[str, object] = {}

    def pipeline(self) -> Pipeline:
        steps = self._part("steps")
        if not steps:
            raise GraphError(f"{self._where}: has no steps; write at least one")
        # Outputs first: an input may name the data of a step that stands further down.
        for name, step in steps.items():
            for port, entry in _part(step, "outputs").items():
                self._write(entry, port, where=f"{self._where}: step {name!r}: output {port!r}")
        made: list[object] = [self._step(str(name), step) for name, step in steps.items()]
        return Pipeline(self._workspace, made, self._section.get("description", self._section.get("name")))

    def _part(self, name: str) -> Section:
        return _part(self._section, name)

    def _parameter(self, name: str, entry: Section) -> PipelineParameter:
        kind, default = entry.get("type"), entry.get("default")
        if kind == "datapath" and isinstance(default, dict):
            return PipelineParameter(name, DataPath(self._store(default["datastore"]), default["path_on_datastore"]))
        if not isinstance(kind, str) or kind not in _KINDS:
            raise GraphError(
                f"{self._where}: parameter {name!r} has the type {kind!r}; write string, int, float, bool, or datapath"
                " with a default"
            )
        return PipelineParameter(name, _KINDS[kind]() if default is None else _KINDS[kind](default))

    def _reference(self, name: str, entry: Section) -> object:
        if "dataset_id" in entry:
            return AbstractDataset.get_by_id(self._workspace, entry["dataset_id"])
        if "dataset_name" in entry:
            return AbstractDataset.get_by_name(self._workspace, entry["dataset_name"])
        if "datastore" not in entry:
            raise GraphError(
                f"{self._where}: data reference {name!r} names no data; write datastore, dataset_name or dataset_id"
            )
        return DataReference(self._store(entry["datastore"]), name, entry.get("path_on_datastore"))

    def _store(self, name: str) -> Any:
        return Datastore.get(self._workspace, name)

    def _write(self, entry: Section, port: str, *, where: str) -> None:
        destination = entry.get("destination")
        if not destination:
            raise GraphError(f"{where} has no destination; write the name of its data")
        given = {argument: entry[key] for key, argument in _OUTPUT_KEYS.items() if key in entry}
        store = self._store(entry["datastore"]) if "datastore" in entry else None
        self._data[destination] = PipelineData(destination, store, port, **given)
        if entry.get("as_dataset"):
            self._datasets[destination] = self._data[destination].as_dataset()

    def _step(self, name: str, step: Section) -> PythonScriptStep:
        where = f"{self._where}: step {name!r}"
        if step.get("type") != "PythonScriptStep":
            raise NotSupportedError(
                f"{where} is of type {step.get('type', 'module')!r}; only steps of type 'PythonScriptStep' can be read"
            )
        unknown = set(step) - _STEP_KEYS
        if unknown:
            raise GraphError(f"{where}: unknown key {min(unknown)!r}; leave it out")
        inputs = {
            port: self._read(port, entry, where=f"{where}: input {port!r}")
            for port, entry in _part(step, "inputs").items()
        }
        outputs = {port: self._written(entry["destination"]) for port, entry in _part(step, "outputs").items()}
        places = {f"input:{port}": data for port, data in inputs.items()}
        places |= {f"output:{port}": data for port, data in outputs.items()}
        return PythonScriptStep(
            step.get("script_name", ""),
            step.get("name") or name,
            [places.get(item, item) if isinstance(item, str) else item for item in step.get("arguments") or ()],
            step.get("compute", self._section.get("default_compute")),
            RunConfiguration.load(step["runconfig"]) if step.get("runconfig") else None,
            self._values(_part(step, "runconfig_parameters"), where=where),
            list(inputs.values()),
            list(outputs.values()),
            self._values(_part(step, "parameters"), where=where),
            step.get("source_directory"),
            step.get("allow_reuse", True),
            step.get("version"),
            step.get("hash_paths"),
        )

    def _written(self, destination: str) -> object:
        return self._datasets.get(destination, self._data[destination])

    def _read(self, port: str, entry: Section, *, where: str) -> object:
        source = entry.get("source")
        if not source:
            raise GraphError(f"{where} has no source; write the name of a parameter, a data reference or an output")
        mode, path, overwrite = entry.get("bind_mode", "mount"), entry.get("path_on_compute"), entry.get("overwrite")
        if source in self._parameters:
            return (self._parameters[source], DataPathComputeBinding(mode, path, bool(overwrite)))
        data = self._references.get(source) or self._datasets.get(source) or self._data.get(source)
        if data is None:
            raise GraphError(f"{where}: nothing is named {source!r}; correct the source, or add the output that it is")
        if isinstance(data, AbstractDataset):
            mode = "direct" if data.kind == "tabular" else mode
            data = data.as_named_input(port)
        return InputPortBinding(port, data, mode, path, overwrite)

    def _values(self, given: Section, *, where: str) -> dict[str, object]:
        values: dict[str, object] = {}
        for name, value in given.items():
            if isinstance(value, dict) and "source" in value:
                if value["source"] not in self._parameters:
                    raise GraphError(f"{where}: {name!r} names parameter {value['source']!r}, which is not declared")
                value = self._parameters[value["source"]]
            values[name] = value
        return values


def _part(section: Section, name: str) -> Section:
    return section.get(name) or {}
