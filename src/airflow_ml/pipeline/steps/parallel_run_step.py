"""A step that runs a script on many small parts of its data (`azureml.pipeline.steps.ParallelRunStep`): later."""

from __future__ import annotations

import sys

from airflow_ml.pipeline.core.builder import PipelineStep
from airflow_ml.pipeline.steps._later import later

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_ml.pipeline.steps.parallel_run_config import ParallelRunConfig

__all__ = ["ParallelRunStep"]

_INSTEAD = (
    "use a PythonScriptStep whose script loads the inputs and goes through the batches itself, or one step for "
    "each part of the data"
)


class ParallelRunStep(PipelineStep):
    """Run a script on mini-batches of its inputs, several at once."""

    def __init__(
        self,
        name: str,
        parallel_run_config: ParallelRunConfig,
        inputs: Sequence[object] | None,
        output: object = None,
        side_inputs: Sequence[object] | None = None,
        arguments: Sequence[object] | None = None,
        allow_reuse: bool = True,
    ) -> None:
        raise later(self, name, _INSTEAD)

    def create_module_def(  # type: ignore[override]  # v1's own signature
        self,
        execution_type: str,
        input_bindings: Sequence[object],
        output_bindings: Sequence[object],
        param_defs: Sequence[object] | None = None,
        create_sequencing_ports: bool = True,
        allow_reuse: bool = True,
        version: str | None = None,
        arguments: Sequence[object] | None = None,
    ) -> object:
        """Describe the step as a module."""
        raise later(self, None, _INSTEAD)

    @property
    def running_on_windows(self) -> bool:
        """Whether the pipeline is built on Windows."""
        return sys.platform == "win32"
