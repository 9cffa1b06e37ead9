"""A step that runs a Python script (`azureml.pipeline.steps.PythonScriptStep`)."""

from __future__ import annotations

import os

from airflow_ml._late import late
from airflow_ml.data._caller import base_directory
from airflow_ml.exceptions import GraphError
from airflow_ml.pipeline.core._scripts import find_script
from airflow_ml.pipeline.core.builder import PipelineStep, StepDefinition
from airflow_ml.pipeline.steps._run_configuration import (
    RunConfigurationPart,
    check_parameters,
    check_types,
    compute_name,
    parameter_settings,
    read_run_configuration,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeVar, cast

    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.reuse_policy import ReusePolicy
    from airflow_ml.core.runconfig import RunConfiguration
    from airflow_ml.pipeline.core import _reuse_settings as reuse_settings
    from airflow_ml.pipeline.core._reuse_settings import ReuseSettings

    _Value = TypeVar("_Value")
else:
    from airflow_ml._typing import cast

    reuse_settings = late("airflow_ml.pipeline.core._reuse_settings")

__all__ = ["PythonScriptStep"]


class PythonScriptStep(PipelineStep):
    """
    Run a Python script of a source directory; the directory is captured when the run starts.

    Nothing is checked against the disk here: a missing script raises in `Pipeline(...)`, as in v1.

    Args:
        script_name: path inside the source directory.
        name: default: `script_name`.
        arguments: one item is one argv element of the script; everything is passed as text.
        compute_target: a compute target or its name, or a pair of name and type, which is not looked up before the
            run (v1 rule); default: the run configuration's; without either the step runs on the machine of the
            Airflow worker.
        runconfig_pipeline_params: PipelineParameters for NodeCount, MpiProcessCountPerNode and the like.
        params: values for the script's environment, as `AML_PARAMETER_<name>`.
        source_directory: default: the pipeline's, else the DAG file's folder (the current folder outside Airflow).
        allow_reuse: take an earlier result when nothing changed.
        version: free text that is part of the step's identity.
        hash_paths: files and folders whose content counts too, relative to the source directory or absolute, for
            instance a library beside it; with a warning where they lie inside of it, which counts as a whole.
        reuse_policy: how results of earlier runs are taken; what it does not say is left to the pipeline.
        ignore_in_fingerprint: what may change and the result is still the same: names of parameters, inputs and
            variables of this step, `kind:NAME` where a name is of two kinds, `source:PATTERN` for files of the source
            directory, with patterns of ignore files.
        normalise_outputs: names that the hook `airflow_ml_normalise_output` gets, by output: for files whose bytes
            differ although they say the same.
        gpus: how many GPUs of a node the step takes; default: all of them, as in v1. With 0 it sees none.

    Raises:
        ValueError: no script name, or something of a wrong type.
    """

    def __init__(
        self,
        script_name: str,
        name: str | None = None,
        arguments: Sequence[object] | None = None,
        compute_target: ComputeTarget | str | tuple[str, str] | None = None,
        runconfig: RunConfiguration | None = None,
        runconfig_pipeline_params: Mapping[str, object] | None = None,
        inputs: Sequence[object] | None = None,
        outputs: Sequence[object] | None = None,
        params: Mapping[str, object] | None = None,
        source_directory: str | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
        hash_paths: Sequence[str] | None = None,
        *,
        reuse_policy: ReusePolicy | None = None,
        ignore_in_fingerprint: Sequence[str] | None = None,
        normalise_outputs: Mapping[str, str] | None = None,
        gpus: int | None = None,
    ) -> None:
        if not script_name or not isinstance(script_name, str):
            raise GraphError(f"step {name!r}: script_name {script_name!r} is not a path inside the source directory")
        super().__init__(name or script_name, inputs, outputs, arguments, fix_port_name_collisions=True)
        check_types(
            self.name,
            runconfig=runconfig,
            mappings={"params": params, "runconfig_pipeline_params": runconfig_pipeline_params},
        )
        self._params = dict(params or {})
        check_parameters(self.name, runconfig_pipeline_params or {}, self._params)
        self._script = script_name
        self._source_directory = source_directory
        self._base_directory = base_directory()
        self._runconfig = runconfig
        self._runconfig_pipeline_params = dict(runconfig_pipeline_params or {})
        self._compute_target = compute_target
        if isinstance(compute_target, tuple) and compute_target:
            self._compute_of_later = compute_target[0]
        self._allow_reuse = _read_allow_reuse(self.name, allow_reuse)
        self._reuse: ReuseSettings | None = None
        if reuse_policy is not None or hash_paths or ignore_in_fingerprint or normalise_outputs:
            self._reuse = reuse_settings.read_reuse_settings(
                policy=reuse_policy,
                ignored=ignore_in_fingerprint,
                hash_paths=hash_paths,
                normalisers=normalise_outputs,
                where=f"step {self.name!r}",
            )
        self._version = version
        self._gpus = _read_gpus(self.name, gpus)

    def _define(self, default_source_directory: str | None, memo: dict[object, object]) -> StepDefinition:
        folder = os.fspath(self._source_directory or default_source_directory or ".")
        place = _once(
            memo,
            (self._base_directory, folder, self._script),
            lambda: find_script(self.name, self._base_directory, folder, self._script),
        )
        part = self._run_configuration_part(memo)
        return StepDefinition(
            kind="python_script",
            script=place.script,
            source_directory=place.directory,
            environment=part.environment,
            environment_variables=part.environment_variables,
            compute=compute_name(self.name, self._compute_target, self._runconfig),
            run_settings={**part.settings, **parameter_settings(self.name, self._runconfig_pipeline_params)},
            allow_reuse=self._allow_reuse,
            version=self._version,
            settings={} if self._gpus is None else {"gpus": self._gpus},
            reuse=self._reuse,
        )

    def _run_configuration_part(self, memo: dict[object, object]) -> RunConfigurationPart:
        runconfig = self._runconfig
        if runconfig is None:
            return _NO_RUN_CONFIGURATION
        return _once(memo, id(runconfig), lambda: read_run_configuration(self.name, runconfig))


_NO_RUN_CONFIGURATION = RunConfigurationPart()


def _read_allow_reuse(step: str, value: object) -> bool:
    """Return whether earlier results may be taken; v1 took None for no, and any text, such as 'False', for yes."""
    if value not in (True, False, None):
        raise GraphError(f"step {step!r}: allow_reuse is {value!r}, expected True or False")
    return bool(value)


def _read_gpus(step: str, value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise GraphError(f"step {step!r}: gpus is {value!r}, expected a whole number from 0 on")
    return value


def _once(memo: dict[object, object], key: object, make: Callable[[], _Value]) -> _Value:
    """Return what another step of the pipeline has made already, or make it."""
    if key not in memo:
        memo[key] = make()
    return cast("_Value", memo[key])
