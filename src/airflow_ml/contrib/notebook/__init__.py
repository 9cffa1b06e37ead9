"""Notebooks as steps (`azureml.contrib.notebook`): the names of v1; constructing one raises."""

from __future__ import annotations

from airflow_ml._exports import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.contrib.notebook.notebook_runner_step import (
        AzureMLNotebookHandler,
        NotebookRunConfig,
        NotebookRunnerStep,
    )

__all__ = ["AzureMLNotebookHandler", "NotebookRunConfig", "NotebookRunnerStep"]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "AzureMLNotebookHandler": "notebook_runner_step",
        "NotebookRunConfig": "notebook_runner_step",
        "NotebookRunnerStep": "notebook_runner_step",
    },
    ("notebook_runner_step",),
)
