"""A step that runs on Databricks (`azureml.pipeline.steps.DatabricksStep`): a later version has it."""

from __future__ import annotations

from airflow_ml.pipeline.core.builder import PipelineStep
from airflow_ml.pipeline.steps._later import later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.runconfig import RunConfiguration

__all__ = ["DatabricksStep"]

_INSTEAD = (
    "use Airflow's Databricks operators beside the pipeline's task group (Pipeline.to_task_group), or a "
    "PythonScriptStep that calls the Databricks SDK"
)


class DatabricksStep(PipelineStep):
    """Run a notebook, a script or a JAR on Databricks."""

    def __init__(
        self,
        name: str,
        inputs: Sequence[object] | None = None,
        outputs: Sequence[object] | None = None,
        existing_cluster_id: str | None = None,
        spark_version: str | None = None,
        node_type: str | None = None,
        instance_pool_id: str | None = None,
        num_workers: int | None = None,
        min_workers: int | None = None,
        max_workers: int | None = None,
        spark_env_variables: Mapping[str, str] | None = None,
        spark_conf: Mapping[str, str] | None = None,
        init_scripts: Sequence[str] | None = None,
        cluster_log_dbfs_path: str | None = None,
        notebook_path: str | None = None,
        notebook_params: Mapping[str, object] | None = None,
        python_script_path: str | None = None,
        python_script_params: Sequence[object] | None = None,
        main_class_name: str | None = None,
        jar_params: Sequence[object] | None = None,
        python_script_name: str | None = None,
        source_directory: str | None = None,
        hash_paths: Sequence[str] | None = None,
        run_name: str | None = None,
        timeout_seconds: int | None = None,
        runconfig: RunConfiguration | None = None,
        maven_libraries: Sequence[object] | None = None,
        pypi_libraries: Sequence[object] | None = None,
        egg_libraries: Sequence[object] | None = None,
        jar_libraries: Sequence[object] | None = None,
        rcran_libraries: Sequence[object] | None = None,
        compute_target: ComputeTarget | str | tuple[str, str] | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
        permit_cluster_restart: bool | None = None,
    ) -> None:
        raise later(self, name, _INSTEAD)
