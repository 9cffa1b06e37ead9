"""A step that runs a notebook (`azureml.contrib.notebook`): a later version has it."""

from __future__ import annotations

from airflow_ml._refusals import not_yet
from airflow_ml.pipeline.steps.python_script_step import PythonScriptStep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.runconfig import RunConfiguration

__all__ = ["AzureMLNotebookHandler", "NotebookRunConfig", "NotebookRunnerStep"]

_INSTEAD = (
    "use a PythonScriptStep whose script runs the notebook: papermill.execute_notebook(source, target, "
    "parameters=...), with papermill among the environment's packages"
)


class AzureMLNotebookHandler:
    """How a notebook is run: its time limit, and what is printed."""

    def __init__(self, timeout: int | None = None, progress_bar: bool = True, log_output: bool = True) -> None:
        raise not_yet("AzureMLNotebookHandler", _INSTEAD)


class NotebookRunConfig:
    """A notebook, its folder, and the parameters that replace those of its tagged cell."""

    def __init__(
        self,
        source_directory: str,
        notebook: str,
        output_notebook: str | None = None,
        parameters: Mapping[str, object] | None = None,
        handler: AzureMLNotebookHandler | None = None,
        run_config: RunConfiguration | None = None,
    ) -> None:
        raise not_yet("NotebookRunConfig", _INSTEAD)


class NotebookRunnerStep(PythonScriptStep):
    """Run a notebook; the executed one is an output."""

    def __init__(
        self,
        name: str | None = None,
        notebook_run_config: NotebookRunConfig | None = None,
        params: Mapping[str, object] | None = None,
        inputs: Sequence[object] | None = None,
        outputs: Sequence[object] | None = None,
        allow_reuse: bool = True,
        compute_target: ComputeTarget | str | None = None,
        version: str | None = None,
        output_notebook_pipeline_data_name: str | None = None,
    ) -> None:
        raise not_yet("NotebookRunnerStep" if name is None else f"step {name!r}: NotebookRunnerStep", _INSTEAD)
