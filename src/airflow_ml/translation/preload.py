"""
What the DAG processor imports once, before it forks a process for each DAG file.

Airflow imports its own modules that a DAG file names before it forks; ours it does not know. Without this every parse
would import the face anew, which costs three times what the rest of a pipeline of 50 steps does.
"""

from __future__ import annotations

import importlib

from airflow_ml._records import compile_records

__all__ = ["preload"]

#: What DAG files use; whatever stands below comes with it.
_MODULES = (
    "airflow_ml.core.compute",
    "airflow_ml.core.dataset",
    "airflow_ml.core.datastore",
    "airflow_ml.core.runconfig",
    "airflow_ml.core.workspace",
    "airflow_ml.data.file_dataset",
    "airflow_ml.data.tabular_dataset",
    "airflow_ml.operators.dataset_input",
    "airflow_ml.operators.pipeline_end",
    "airflow_ml.operators.python_script_step",
    "airflow_ml.operators.reuse_check",
    "airflow_ml.operators.step",
    "airflow_ml.pipeline.core.pipeline",
    "airflow_ml.pipeline.steps",
    "airflow_ml.translation.dags",
)


def preload() -> None:
    """Import what DAG files use. Nothing of it opens a database or reads a file of the user's."""
    for name in _MODULES:
        importlib.import_module(name)
    compile_records()
