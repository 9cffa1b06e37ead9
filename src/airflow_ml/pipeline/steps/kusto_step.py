"""A step that runs a query on Azure Data Explorer (`azureml.pipeline.steps.KustoStep`): a later version has it."""

from __future__ import annotations

from airflow_ml.pipeline.core.builder import PipelineStep
from airflow_ml.pipeline.steps._later import later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml.core.compute.compute import ComputeTarget

__all__ = ["KustoStep"]

_INSTEAD = (
    "use a PythonScriptStep whose script runs the query with the package azure-kusto-data and writes the result "
    "to its output"
)


class KustoStep(PipelineStep):
    """Run a query on Azure Data Explorer."""

    def __init__(
        self,
        name: str,
        compute_target: ComputeTarget | str | tuple[str, str],
        database_name: str,
        query_directory: str,
        output: object,
        parameter_dict: Mapping[str, object] | None = None,
        allow_reuse: bool = False,
    ) -> None:
        raise later(self, name, _INSTEAD)
