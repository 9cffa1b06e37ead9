"""
From a ScriptRunConfig to a running script: `Experiment.submit` and `Run.submit_child` of one.

A submitted script goes the way of a pipeline of one step, with the rules of steps for arguments, data, environments
and outputs. Its graph says that it is a script run, so that it gets one run record instead of a pipeline's and a
step's.
"""

from __future__ import annotations

import copy
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.core.script_run import ScriptRun
from airflow_ml.data._caller import base_directory
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.data.output_dataset_config import OutputDatasetConfig
from airflow_ml.exceptions import ExperimentExecutionException, NotSupportedError, UserErrorException
from airflow_ml.pipeline import _engine
from airflow_ml.pipeline.core._assembly import AssemblyOptions, assemble
from airflow_ml.pipeline.core.builder import PipelineStep, StepDefinition
from airflow_ml.pipeline.core.pipeline import _save_datasets
from airflow_ml.pipeline.steps._run_configuration import compute_name, read_run_configuration
from airflow_ml.pipeline.steps.python_script_step import PythonScriptStep

if TYPE_CHECKING:
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.core.runconfig import RunConfiguration
    from airflow_ml.core.script_run_config import ScriptRunConfig
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph import Graph

__all__ = ["script_graph", "submit_script"]

#: v1's rule; the id is also a folder's name.
_RUN_ID = re.compile(r"[\w-]{1,255}", re.ASCII)


def submit_script(
    config: ScriptRunConfig,
    experiment: Experiment,
    *,
    tags: Mapping[str, str] | None = None,
    run_id: str | None = None,
    credential_passthrough: bool = False,
    _parent_run_id: str | None = None,
    **unknown: object,
) -> ScriptRun:
    """
    Start the configured script and return its run at once.

    Args:
        run_id: the run's id; default: a new one.

    Raises:
        UserErrorException: something in the configuration cannot work or is not in the workspace.
        ExperimentExecutionException: the source directory or the script is not there (v1's type).
        NotSupportedError: the configuration asks for what does not exist here.
    """
    if unknown:
        raise UserErrorException(f"submit: a ScriptRunConfig takes no {sorted(unknown)[0]!r}; leave it out")
    if credential_passthrough:
        raise NotSupportedError(
            "submit: credential_passthrough is not supported; scripts run under the worker's account"
        )
    if run_id is not None and not _RUN_ID.fullmatch(run_id):
        raise UserErrorException(f"submit: run_id {run_id!r} may hold letters, digits, '_' and '-' only, at most 255")
    step = _make_step(config)
    graph = _graph_of(step, experiment.workspace)
    _save_datasets([step], experiment.workspace)
    started = _engine.submit_script(
        graph,
        experiment=experiment.name,
        tags=dict(tags or {}),
        parent_id=_parent_run_id,
        run_id=run_id,
    )
    return ScriptRun(experiment, started)


def script_graph(config: ScriptRunConfig, workspace: Workspace) -> Graph:
    """
    Return the graph of the configured script.

    Raises:
        UserErrorException: something in the configuration cannot work.
        ExperimentExecutionException: the source directory or the script is not there.
    """
    return _graph_of(_make_step(config), workspace)


def _graph_of(step: PipelineStep, workspace: Workspace) -> Graph:
    options = AssemblyOptions(
        name=step.name,
        workspace=workspace.ref,
        base_directory=base_directory(),
        declarations=tuple(workspace._compute_declarations),
    )
    graph, _ = assemble([step], options)
    return replace(graph, is_script_run=True)


def _make_step(config: ScriptRunConfig) -> PipelineStep:
    """
    Return the configuration as a step.

    What the configuration says itself wins over its run configuration, as in v1.
    """
    run_config = config.run_config
    script, command = config.script or run_config.script, config.command or run_config.command or None
    arguments = [*(config.arguments or run_config.arguments)]
    if bool(script) == bool(command):
        raise UserErrorException(f"ScriptRunConfig: script is {script!r} and command {command!r}; give one of them")
    if command and arguments:
        raise UserErrorException(
            f"ScriptRunConfig: command {command!r} and arguments {arguments!r} are given; write them into the command"
        )
    inputs, outputs = _data_of(run_config)
    plain = _without_data(run_config)
    folder = Path(base_directory(), config.source_directory or ".")
    if command:
        return _CommandStep(command, folder, plain, inputs=inputs, outputs=outputs)
    _check_script(folder, script)
    inputs += [item for item in arguments if isinstance(item, DataReference)]
    return PythonScriptStep(
        script, arguments=arguments, inputs=inputs, outputs=outputs, runconfig=plain, source_directory=str(folder)
    )


def _check_script(folder: Path, script: str | None) -> None:
    where = f"script run {script!r}"
    if not folder.is_dir():
        raise ExperimentExecutionException(
            f"{where}: source directory {str(folder)!r} does not exist; check source_directory"
        )
    if script is not None and not (folder / script).is_file():
        raise ExperimentExecutionException(
            f"{where}: script not found at {str(folder / script)!r}; check script and source_directory"
        )


def _data_of(run_config: RunConfiguration) -> tuple[list[object], list[object]]:
    """Return the inputs and outputs that stand in the run configuration itself, where v1 has them too."""
    inputs: list[object] = [_named(name, item) for name, item in run_config.data.items()]
    inputs += [_reference(name, item) for name, item in run_config.data_references.items()]
    for name, item in run_config.output_data.items():
        if not isinstance(item, OutputDatasetConfig):
            raise _wrong_kind("output_data", name, item, "an OutputFileDatasetConfig")
    return inputs, list(run_config.output_data.values())


def _named(name: str, item: object) -> DatasetConsumptionConfig:
    """Return a dataset of `run_config.data` under its key, which is the input's name there (v1)."""
    if not isinstance(item, DatasetConsumptionConfig):
        raise _wrong_kind("data", name, item, "a dataset with as_named_input, as_mount or as_download")
    return DatasetConsumptionConfig(name, item.dataset, item.mode, item.path_on_compute)


def _reference(name: str, item: object) -> DataReference:
    """Return a reference of `run_config.data_references` under its key."""
    if not isinstance(item, DataReference):
        raise _wrong_kind("data_references", name, item, "a DataReference")
    return DataReference(item.datastore, name, item.path_on_datastore, item.mode, item.path_on_compute, item.overwrite)


def _wrong_kind(part: str, name: str, item: object, expected: str) -> UserErrorException:
    return UserErrorException(
        f"run configuration: {part}[{name!r}] is a {type(item).__name__}, expected {expected}; put one there, or"
        " into the arguments"
    )


def _without_data(run_config: RunConfiguration) -> RunConfiguration:
    plain = copy.copy(run_config)
    plain.data, plain.data_references, plain.output_data = {}, {}, {}
    return plain


class _CommandStep(PipelineStep):
    """A command instead of a Python script; there is none in pipelines yet."""

    def __init__(
        self,
        command: str | Sequence[object],
        folder: Path,
        run_config: RunConfiguration,
        *,
        inputs: Sequence[object],
        outputs: Sequence[object],
    ) -> None:
        arguments = [] if isinstance(command, str) else _split_first(command)
        words = command.split() if isinstance(command, str) else arguments
        _check_script(folder, None)
        super().__init__(
            str(words[0]) if words else "command",
            [*inputs, *(item for item in arguments if isinstance(item, DataReference))],
            outputs,
            arguments,
        )
        self._line = command if isinstance(command, str) else None
        self._folder = folder
        self._run_config = run_config

    def _define(self, _default_source_directory: str | None, _memo: dict[object, object]) -> StepDefinition:
        part = read_run_configuration(self.name, self._run_config)
        return StepDefinition(
            kind="command",
            source_directory=str(self._folder),
            environment=part.environment,
            environment_variables=part.environment_variables,
            compute=compute_name(self.name, None, self._run_config),
            run_settings=part.settings,
            settings={} if self._line is None else {"command_line": self._line},
        )


def _split_first(command: Sequence[object]) -> list[object]:
    """Split the first item of a command like a shell; the others are one argv element each (v1)."""
    first, *others = command
    return [*(shlex.split(first) if isinstance(first, str) else [first]), *others]
