"""A script with everything that is needed to run it (`azureml.core.script_run_config`)."""

from __future__ import annotations

import warnings

from airflow_ml._late import late
from airflow_ml.core.environment import Environment
from airflow_ml.core.runconfig import (
    DockerConfiguration,
    MpiConfiguration,
    PyTorchConfiguration,
    RunConfiguration,
    TensorflowConfiguration,
)
from airflow_ml.exceptions import NotSupportedError, RunConfigurationException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TypeAlias

    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.experiment import Experiment
    from airflow_ml.core.script_run import ScriptRun

    DistributedJob: TypeAlias = "MpiConfiguration | PyTorchConfiguration | TensorflowConfiguration"

# Graphs are built above this package.
script_runs = late("airflow_ml.pipeline._script_runs")

__all__ = ["ScriptRunConfig", "get_run_config_from_script_run"]


class ScriptRunConfig:
    """
    A script, its arguments, and how it is run; `Experiment.submit` takes it, and a step its `run_config`.

    What was given is kept as it is and read when the run is submitted, so that it can still be changed (v1 behaviour):
    `config.run_config.target = "gpu"`.

    Args:
        source_directory: what becomes the snapshot; default: the current folder.
        script: path in it; default: the run configuration's.
        arguments: one item is one argv element; default: the run configuration's.
        run_config: how it is run. With it, the arguments that say the same are not used, with a warning, as in v1:
            `compute_target`, `environment`, `distributed_job_config`, `max_run_duration_seconds` and
            `docker_runtime_config`.
        compute_target: a compute target or its name; default: this machine (`local`).
        environment: default: the interpreter that runs this.
        distributed_job_config: several processes; refused at submit unless it is one process.
        resume_from: not supported.
        max_run_duration_seconds: after that time the script is stopped, and the run has failed.
        command: a command instead of a script: text for a shell, or a list whose first item is split like one. `python`
            in it is the environment's.
        docker_runtime_config: whether and how the script runs in a container.

    Attributes:
        run_config: the one that was given, or one made of the other arguments.

    Raises:
        RunConfigurationException: `distributed_job_config` or `docker_runtime_config` is of another type.
        NotSupportedError: `resume_from`.
    """

    MAX_DURATION_SECONDS_DEFAULT = 2592000

    def __init__(
        self,
        source_directory: str | None,
        script: str | None = None,
        arguments: Sequence[object] | None = None,
        run_config: RunConfiguration | None = None,
        _telemetry_values: object = None,
        compute_target: ComputeTarget | str | None = None,
        environment: Environment | None = None,
        distributed_job_config: DistributedJob | None = None,
        resume_from: object = None,
        max_run_duration_seconds: int | None = MAX_DURATION_SECONDS_DEFAULT,
        command: str | Sequence[object] | None = None,
        docker_runtime_config: DockerConfiguration | None = None,
    ) -> None:
        if resume_from is not None:
            raise NotSupportedError(
                f"ScriptRunConfig: resume_from={resume_from!r} is not supported; give the outputs as an input"
            )
        self.source_directory = source_directory
        self.script = script
        self.command = command
        self.arguments = arguments
        own: dict[str, object] = {
            "compute_target": compute_target,
            "environment": environment,
            "distributed_job_config": distributed_job_config,
            "docker_runtime_config": docker_runtime_config,
        }
        if run_config is None:
            run_config = _make_run_configuration(compute_target, environment, docker_runtime_config)
            run_config.max_run_duration_seconds = max_run_duration_seconds
            if distributed_job_config is not None:
                _distribute(run_config, distributed_job_config)
        else:
            own["max_run_duration_seconds"] = max_run_duration_seconds != self.MAX_DURATION_SECONDS_DEFAULT or None
            _warn_of_unused([name for name, value in own.items() if value is not None])
            self.script = script or run_config.script
            self.command = command or run_config.command or None
            self.arguments = arguments or run_config.arguments or None
        self.run_config = run_config

    @property
    def identity(self) -> str:
        """v1's name of the object for logs."""
        return type(self).__name__

    def _submit_to(self, experiment: Experiment, *, tags: Mapping[str, str] | None = None, **kwargs: Any) -> ScriptRun:
        run: ScriptRun = script_runs.submit_script(self, experiment, tags=tags, **kwargs)
        return run

    def __repr__(self) -> str:
        what = f"command={self.command!r}" if self.command else f"script={self.script!r}"
        return f"ScriptRunConfig(source_directory={self.source_directory!r}, {what})"


def get_run_config_from_script_run(script_run_config: ScriptRunConfig) -> RunConfiguration:
    """
    Return a copy of the run configuration that says script, command and arguments too, to be saved or changed.

    v1's templates save what they submit with it.
    """
    from copy import deepcopy  # costs more than building a pipeline may, and few configurations are copied

    config = deepcopy(script_run_config.run_config)
    if script_run_config.arguments:
        config.arguments = list(script_run_config.arguments)
    if script_run_config.script:
        config.script = script_run_config.script
    if script_run_config.command:
        config.command = script_run_config.command
    return config


def _make_run_configuration(
    compute_target: ComputeTarget | str | None, environment: Environment | None, docker: DockerConfiguration | None
) -> RunConfiguration:
    config = RunConfiguration()
    if compute_target is not None:
        config.target = compute_target
    if environment is not None:
        if not isinstance(environment, Environment):
            raise RunConfigurationException(
                f"ScriptRunConfig: environment is {environment!r}, expected an Environment; Environment.get returns one"
                " by its name"
            )
        config.environment = environment
    if docker is not None:
        _check_type("docker_runtime_config", docker, (DockerConfiguration,))
        config.docker = docker
    return config


def _distribute(config: RunConfiguration, job: DistributedJob) -> None:
    """Put a distributed job into a run configuration, with v1's words for framework and communicator."""
    _check_type("distributed_job_config", job, (MpiConfiguration, PyTorchConfiguration, TensorflowConfiguration))
    if isinstance(job, MpiConfiguration):
        config.communicator, config.mpi, config.node_count = "IntelMpi", job, job.node_count
    elif isinstance(job, PyTorchConfiguration):
        config.framework, config.pytorch, config.node_count = "PyTorch", job, job.node_count
        config.communicator = job.communication_backend
    else:
        config.framework, config.communicator, config.tensorflow = "TensorFlow", "ParameterServer", job
        config.node_count = job.worker_count


def _check_type(name: str, value: object, kinds: tuple[type, ...]) -> None:
    if not isinstance(value, kinds):
        expected = " or ".join(kind.__name__ for kind in kinds)
        raise RunConfigurationException(
            f"ScriptRunConfig: {name} is a {type(value).__name__}, expected {expected}; make one from"
            " airflow_ml.core.runconfig"
        )


def _warn_of_unused(names: Sequence[str]) -> None:
    if names:
        warnings.warn(
            f"ScriptRunConfig: {', '.join(names)} {'is' if len(names) == 1 else 'are'} not used, because run_config is"
            " given; set it there",
            stacklevel=3,
        )
