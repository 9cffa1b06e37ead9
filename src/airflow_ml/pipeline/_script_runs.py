"""
From a ScriptRunConfig to a running script: `Experiment.submit` and `Run.submit_child` of one.

A submitted script goes the way of a pipeline of one step, with the rules of steps for arguments, data, environments
and outputs. Its graph says that it is a script run, so that it gets one run record instead of a pipeline's and a
step's.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.core.script_run import ScriptRun
from airflow_ml.data._caller import base_directory
from airflow_ml.data.data_reference import DataReference
from airflow_ml.exceptions import ExperimentExecutionException, NotSupportedError, UserErrorException
from airflow_ml.pipeline import _engine
from airflow_ml.pipeline._script_run_data import inputs_of, outputs_of, without_data
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
    step = _make_step(config, experiment.workspace)
    graph = _graph_of(step, experiment.workspace)
    _engine.announce(graph, experiment=experiment.name, tags=dict(tags or {}))
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
    return _graph_of(_make_step(config, workspace), workspace)


def _graph_of(step: PipelineStep, workspace: Workspace) -> Graph:
    options = AssemblyOptions(
        name=step.name,
        workspace=workspace.ref,
        base_directory=base_directory(),
        declarations=tuple(workspace._compute_declarations),
    )
    graph, _ = assemble([step], options)
    return replace(graph, is_script_run=True)


def _make_step(config: ScriptRunConfig, workspace: Workspace) -> PipelineStep:
    """
    Return the configuration as a step.

    What the configuration says itself wins over its run configuration, as in v1.
    """
    run_config = config.run_config
    script, command = config.script or run_config.script, config.command or run_config.command or None
    arguments = config.arguments or run_config.arguments
    if bool(script) == bool(command):
        raise UserErrorException(f"ScriptRunConfig: script is {script!r} and command {command!r}; give one of them")
    if isinstance(arguments, str):
        raise UserErrorException(
            f"ScriptRunConfig: arguments is the text {arguments!r}; give a list, one item for each"
        )
    if command and arguments:
        raise UserErrorException(
            f"ScriptRunConfig: command {command!r} and arguments {arguments!r} are given; write them into the command"
        )
    items = list(arguments) if script else _split_first(command or "")
    inputs = [*inputs_of(run_config, workspace), *(item for item in items if isinstance(item, DataReference))]
    folder = _find_folder(config.source_directory, script)
    outputs, plain = outputs_of(run_config), without_data(run_config)
    if script:
        return PythonScriptStep(
            script, arguments=items, inputs=inputs, outputs=outputs, runconfig=plain, source_directory=str(folder)
        )
    line = command if isinstance(command, str) else None
    return _CommandStep(line, folder, plain, arguments=items, inputs=inputs, outputs=outputs)


def _find_folder(source_directory: str | None, script: str | None) -> Path:
    """Return the source directory; it must be there and have the script."""
    where = "command" if script is None else f"script run {script!r}"
    folder = Path(base_directory(), source_directory or ".")
    if not folder.is_dir():
        raise ExperimentExecutionException(
            f"{where}: source directory {str(folder)!r} does not exist; check source_directory"
        )
    if script is not None and not (folder / script).is_file():
        raise ExperimentExecutionException(
            f"{where}: script not found at {str(folder / script)!r}; check script and source_directory"
        )
    return folder


class _CommandStep(PipelineStep):
    """
    A command instead of a Python script; pipelines have none yet.

    Args:
        line: its text for a shell; None for one whose argv are the arguments.
    """

    def __init__(
        self,
        line: str | None,
        folder: Path,
        run_config: RunConfiguration,
        *,
        arguments: Sequence[object],
        inputs: Sequence[object],
        outputs: Sequence[object],
    ) -> None:
        words = arguments if line is None else line.split()
        super().__init__(str(words[0]) if words else "command", inputs, outputs, arguments)
        self._line = line
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


def _split_first(command: str | Sequence[object]) -> list[object]:
    """Split the first item of a command that is a list like a shell; the others are one argv element each (v1)."""
    if isinstance(command, str):
        return []
    first, *others = command
    try:
        return [*(shlex.split(first) if isinstance(first, str) else [first]), *others]
    except ValueError as error:
        raise UserErrorException(f"ScriptRunConfig: command {first!r} cannot be split: {error}; close it") from error
