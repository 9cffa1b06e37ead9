"""What a run configuration and a compute target of a step come to in the graph."""

from __future__ import annotations

from airflow_ml.exceptions import GraphError
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from dataclasses import dataclass, field

    from airflow_ml.core.runconfig import RunConfiguration
    from airflow_ml.graph import Json
else:
    from airflow_ml._records import dataclass, field

__all__ = [
    "RunConfigurationPart",
    "check_parameters",
    "check_types",
    "compute_name",
    "parameter_settings",
    "read_run_configuration",
]

#: v1's keys of `runconfig_pipeline_params`, and the run setting that each replaces.
_PARAMETER_SETTINGS = {
    "NodeCount": "node_count",
    "MpiProcessCountPerNode": "process_count_per_node",
    "TensorflowWorkerCount": "worker_count",
    "TensorflowParameterServerCount": "parameter_server_count",
}


def compute_name(step: str, compute_target: object, runconfig: RunConfiguration | None) -> str | None:
    """
    Return the name of the step's compute target: its own, else the run configuration's, else None.

    Args:
        compute_target: a compute object, a name, or a pair (name, type) as v1 took it.

    Raises:
        ValueError: the name `local`, which v1 pipelines never had; or an object of another type.
    """
    target = compute_target
    if target is None and runconfig is not None and runconfig.target != "local":
        target = runconfig.target
    if target is None:
        return None
    if isinstance(target, tuple):
        if len(target) != 2 or not all(isinstance(part, str) for part in target):
            raise GraphError(
                f"step {step!r}: compute target {compute_target!r} is not a pair of name and type; give two strings,"
                " or the name alone"
            )
        target = target[0]
    name = target if isinstance(target, str) else getattr(target, "name", None)
    if not isinstance(name, str) or not name:
        raise GraphError(f"step {step!r}: compute target {compute_target!r} is neither a compute target nor a name")
    if name == "local":
        raise GraphError(
            f"step {step!r}: compute target 'local' is not for pipelines; leave compute_target out to run on the"
            " worker's machine, or create a named target"
        )
    return name


@dataclass(frozen=True)
class RunConfigurationPart:
    """What a run configuration alone comes to; steps that share one share this."""

    environment: Mapping[str, Json] | None = None
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, object] = field(default_factory=dict)


def read_run_configuration(step: str, runconfig: RunConfiguration) -> RunConfigurationPart:
    """
    Return what the run configuration means for the graph.

    Raises:
        NotSupportedError: it was changed in a part that has no meaning here.
    """
    runconfig.check_supported(where=f"step {step!r}")
    return RunConfigurationPart(
        environment=runconfig.environment_definition(),
        environment_variables=dict(runconfig.environment_variables),
        settings=_changed_settings(runconfig),
    )


def check_types(step: str, *, runconfig: object, mappings: Mapping[str, object]) -> None:
    """Raise ValueError for a run configuration or a mapping that is something else."""
    if runconfig is not None and not hasattr(runconfig, "check_supported"):
        raise GraphError(f"step {step!r}: runconfig {runconfig!r} is no RunConfiguration; give one")
    for what, given in mappings.items():
        if given and not hasattr(given, "keys"):
            raise GraphError(f"step {step!r}: {what} {given!r} are no mapping of names to values")


def check_parameters(step: str, parameters: Mapping[str, object], params: Mapping[str, object]) -> None:
    """
    Check what `runconfig_pipeline_params` holds, in the step's constructor, as v1 does.

    Raises:
        ValueError: a value that is no PipelineParameter, or a key that is among the `params` too.
    """
    for key, value in parameters.items():
        if key in params:
            raise GraphError(f"step {step!r}: {key!r} is in params and in runconfig_pipeline_params; keep one of them")
        if not isinstance(value, PipelineParameter):
            raise GraphError(
                f"step {step!r}: runconfig_pipeline_params[{key!r}] is {value!r}, not a PipelineParameter; set fixed"
                " values in the run configuration"
            )


def parameter_settings(step: str, parameters: Mapping[str, object]) -> dict[str, object]:
    """
    Return the run settings that pipeline parameters replace, with PipelineParameter objects as values.

    Raises:
        ValueError: a key that v1 does not know.
    """
    settings: dict[str, object] = {}
    for key, value in parameters.items():
        if key not in _PARAMETER_SETTINGS:
            raise GraphError(
                f"step {step!r}: runconfig_pipeline_params has no {key!r}; it takes {', '.join(_PARAMETER_SETTINGS)}"
            )
        settings[_PARAMETER_SETTINGS[key]] = value
    return settings


def _changed_settings(runconfig: RunConfiguration) -> dict[str, object]:
    """Return the settings that differ from v1's defaults."""
    defaults: dict[str, tuple[object, object]] = {
        "node_count": (runconfig.node_count, 1),
        "framework": (runconfig.framework, "Python"),
        "communicator": (runconfig.communicator, "None"),
        "process_count_per_node": (runconfig.mpi.process_count_per_node, 1),
        "process_count": (runconfig.pytorch.process_count, None),
        "worker_count": (runconfig.tensorflow.worker_count, 1),
        "parameter_server_count": (runconfig.tensorflow.parameter_server_count, 1),
        "max_run_duration_seconds": (runconfig.max_run_duration_seconds, None),
        "use_docker": (runconfig.docker.use_docker, False),
        "docker_arguments": (list(runconfig.docker.arguments), []),
        "shm_size": (runconfig.docker.shm_size, "2g"),
    }
    return {name: value for name, (value, default) in defaults.items() if value != default}
