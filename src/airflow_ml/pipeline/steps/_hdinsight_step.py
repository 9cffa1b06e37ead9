"""A step that runs on HDInsight (`azureml.pipeline.steps._HDInsightStep`): a later version has it."""

from __future__ import annotations

from airflow_ml.pipeline.core.builder import PipelineStep
from airflow_ml.pipeline.steps._later import later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.core.compute.compute import ComputeTarget

__all__ = ["_HDInsightStep"]

_INSTEAD = (
    "use a PythonScriptStep that starts Spark itself, or Airflow's own Spark operators beside the pipeline's task group"
)


class _HDInsightStep(PipelineStep):
    """Run a Spark program on HDInsight."""

    def __init__(
        self,
        file: str,
        compute_target: ComputeTarget | str | tuple[str, str],
        class_name: str | None = None,
        args: Sequence[str] | None = None,
        name: str | None = None,
        inputs: Sequence[object] | None = None,
        outputs: Sequence[object] | None = None,
        app_name: str | None = None,
        driver_memory: str | None = None,
        driver_cores: int | None = None,
        executor_memory: str | None = None,
        executor_cores: int | None = None,
        num_executors: int | None = None,
        conf: Mapping[str, str] | None = None,
        jars: Sequence[str] | None = None,
        py_files: Sequence[str] | None = None,
        files: Sequence[str] | None = None,
        archives: Sequence[str] | None = None,
        source_directory: str | None = None,
        queue: str = "default",
        allow_reuse: bool = True,
        version: str | None = None,
    ) -> None:
        raise later(self, name, _INSTEAD)
