"""A step that runs a U-SQL script (`azureml.pipeline.steps.AdlaStep`): a later version has it."""

from __future__ import annotations

from airflow_ml.pipeline.core.builder import PipelineStep
from airflow_ml.pipeline.steps._later import later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.core.compute.compute import ComputeTarget

__all__ = ["AdlaStep"]

_INSTEAD = "rewrite the script in Python and run it as a PythonScriptStep"


class AdlaStep(PipelineStep):
    """Run a U-SQL script on Data Lake Analytics, which Microsoft has ended."""

    def __init__(
        self,
        script_name: str,
        name: str | None = None,
        inputs: Sequence[object] | None = None,
        outputs: Sequence[object] | None = None,
        params: Mapping[str, object] | None = None,
        degree_of_parallelism: int | None = None,
        priority: int | None = None,
        runtime_version: str | None = None,
        compute_target: ComputeTarget | str | tuple[str, str] | None = None,
        source_directory: str | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
        hash_paths: Sequence[str] | None = None,
    ) -> None:
        raise later(self, name, _INSTEAD)
