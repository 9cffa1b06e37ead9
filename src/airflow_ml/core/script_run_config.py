"""A script with everything that is needed to run it (`azureml.core.script_run_config`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from airflow_ml.core.compute.compute import ComputeTarget
from airflow_ml.core.environment import Environment
from airflow_ml.core.runconfig import (
    DockerConfiguration,
    MpiConfiguration,
    PyTorchConfiguration,
    RunConfiguration,
    TensorflowConfiguration,
)
from airflow_ml.exceptions import NotSupportedError, UserErrorException

__all__ = ["ScriptRunConfig"]

DistributedJob: TypeAlias = "MpiConfiguration | PyTorchConfiguration | TensorflowConfiguration"


class ScriptRunConfig:
    """
    A script, its arguments, and how it is run; also the source of a step's `runconfig`.

    Args:
        source_directory: what becomes the snapshot.
        script: path in it.
        run_config: a configuration to start from; the arguments below win over it, and it is left as it is.
        max_run_duration_seconds: after that time the run is stopped.
        command: a command line instead of a script.

    Attributes:
        run_config: the configuration with everything else put in.

    Raises:
        UserErrorException: script and command, or neither.
        NotSupportedError: `resume_from`.
    """

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
        max_run_duration_seconds: int | None = 2592000,
        command: str | Sequence[object] | None = None,
        docker_runtime_config: DockerConfiguration | None = None,
    ) -> None:
        del _telemetry_values
        if resume_from is not None:
            raise NotSupportedError(
                f"ScriptRunConfig: resume_from={resume_from!r} is not supported; give the outputs as an input"
            )
        config = RunConfiguration() if run_config is None else run_config._copied()
        script, command = script or config.script, command or config.command
        if bool(script) == bool(command):
            raise UserErrorException(f"ScriptRunConfig: script is {script!r} and command {command!r}; give one of them")
        self.source_directory = source_directory
        self.script = script
        self.command = command
        self.arguments = list(arguments if arguments is not None else config.arguments)
        config.script, config.command, config.arguments = script, command, self.arguments
        _put_in(config, compute_target, environment, docker_runtime_config)
        config.max_run_duration_seconds = max_run_duration_seconds
        if distributed_job_config is not None:
            _distribute(config, distributed_job_config)
        self.run_config = config

    def __repr__(self) -> str:
        return f"ScriptRunConfig(source_directory={self.source_directory!r}, script={self.script!r})"


def _put_in(
    config: RunConfiguration,
    compute_target: ComputeTarget | str | None,
    environment: Environment | None,
    docker: DockerConfiguration | None,
) -> None:
    if compute_target is not None:
        config.target = compute_target
    if environment is not None:
        config.environment = environment
    if docker is not None:
        config.docker = docker


def _distribute(config: RunConfiguration, job: DistributedJob) -> None:
    if isinstance(job, MpiConfiguration):
        config.communicator, config.mpi, config.node_count = "Mpi", job, job.node_count
    elif isinstance(job, PyTorchConfiguration):
        config.framework, config.pytorch, config.node_count = "PyTorch", job, job.node_count
        config.communicator = job.communication_backend.capitalize()
    else:
        config.framework, config.communicator, config.tensorflow = "TensorFlow", "ParameterServer", job
        config.node_count = job.worker_count + job.parameter_server_count
