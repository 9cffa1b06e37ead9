"""A step that runs an MPI job (`azureml.pipeline.steps.MpiStep`): a later version has it."""

from __future__ import annotations

from airflow_ml.pipeline.steps._later import later
from airflow_ml.pipeline.steps.python_script_step import PythonScriptStep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ml.core.compute.compute import ComputeTarget

__all__ = ["MpiStep"]

_INSTEAD = "use a PythonScriptStep whose run configuration has an MpiConfiguration (docs/compute.md)"


class MpiStep(PythonScriptStep):
    """Run an MPI job; v1 deprecated it."""

    def __init__(
        self,
        name: str | None = None,
        source_directory: str | None = None,
        script_name: str | None = None,
        arguments: Sequence[object] | None = None,
        compute_target: ComputeTarget | str | tuple[str, str] | None = None,
        node_count: int | None = None,
        process_count_per_node: int | None = None,
        inputs: Sequence[object] | None = None,
        outputs: Sequence[object] | None = None,
        allow_reuse: bool = True,
        version: str | None = None,
        hash_paths: Sequence[str] | None = None,
        **kwargs: object,
    ) -> None:
        raise later(self, name, _INSTEAD)
