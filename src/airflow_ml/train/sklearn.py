"""The estimator of scikit-learn (`azureml.train.sklearn`), which v1 deprecated: importable, constructing raises."""

from __future__ import annotations

from airflow_ml._refusals import not_yet
from airflow_ml.train.estimator import INSTEAD, MMLBaseEstimator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.environment import Environment

__all__ = ["SKLearn"]


class SKLearn(MMLBaseEstimator):
    """A scikit-learn script."""

    def __init__(
        self,
        source_directory: str,
        *,
        compute_target: ComputeTarget | str | None = None,
        vm_size: str | None = None,
        vm_priority: str | None = None,
        entry_script: str | None = None,
        script_params: Mapping[str, object] | None = None,
        use_docker: bool = True,
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
        shm_size: str | None = None,
        resume_from: object = None,
        max_run_duration_seconds: int | None = None,
        framework_version: str | None = None,
        _enable_optimized_mode: bool = False,
        _disable_validation: bool = True,
        _show_lint_warnings: bool = False,
        _show_package_warnings: bool = False,
    ) -> None:
        raise not_yet("SKLearn", INSTEAD)
