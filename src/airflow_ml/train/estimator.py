"""Scripts with their environment (`azureml.train.estimator`), which v1 deprecated: importable, constructing raises."""

from __future__ import annotations

from airflow_ml._refusals import not_yet

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.environment import Environment

__all__ = ["INSTEAD", "Estimator", "Gloo", "MMLBaseEstimator", "Mpi", "Nccl", "ParameterServer"]

#: The way out of every estimator, here and in `dnn` and `sklearn`.
INSTEAD = (
    "use ScriptRunConfig(source_directory, script, arguments=..., environment=Environment.from_pip_requirements(...)), "
    "or a PythonScriptStep with the same script"
)


class Mpi:
    """Settings of an MPI job: plain data."""

    def __init__(self, process_count_per_node: int = 1) -> None:
        self.process_count_per_node = process_count_per_node


class Gloo:
    """Marks the backend Gloo."""


class Nccl:
    """Marks the backend NCCL."""


class ParameterServer:
    """Settings of a job with parameter servers: plain data."""

    def __init__(self, worker_count: int = 1, parameter_server_count: int = 1) -> None:
        self.worker_count = worker_count
        self.parameter_server_count = parameter_server_count


class MMLBaseEstimator:
    """Parent of the estimators."""

    def __init__(
        self, source_directory: str, *, compute_target: ComputeTarget | str | None, estimator_config: object = None
    ) -> None:
        raise not_yet("MMLBaseEstimator", INSTEAD)


class Estimator(MMLBaseEstimator):
    """A script with its environment."""

    def __init__(
        self,
        source_directory: str,
        *,
        compute_target: ComputeTarget | str | None = None,
        vm_size: str | None = None,
        vm_priority: str | None = None,
        entry_script: str | None = None,
        script_params: Mapping[str, object] | None = None,
        node_count: int = 1,
        process_count_per_node: int = 1,
        distributed_backend: str | None = None,
        distributed_training: object = None,
        use_gpu: bool = False,
        use_docker: bool = True,
        custom_docker_base_image: str | None = None,
        custom_docker_image: str | None = None,
        image_registry_details: object = None,
        user_managed: bool = False,
        conda_packages: Sequence[str] | None = None,
        pip_packages: Sequence[str] | None = None,
        conda_dependencies_file_path: str | None = None,
        pip_requirements_file_path: str | None = None,
        conda_dependencies_file: str | None = None,
        pip_requirements_file: str | None = None,
        environment_variables: Mapping[str, str] | None = None,
        environment_definition: Environment | None = None,
        inputs: Sequence[object] | None = None,
        source_directory_data_store: object = None,
        shm_size: str | None = None,
        resume_from: object = None,
        max_run_duration_seconds: int | None = None,
        _disable_validation: bool = True,
        _show_lint_warnings: bool = False,
        _show_package_warnings: bool = False,
    ) -> None:
        raise not_yet("Estimator", INSTEAD)
