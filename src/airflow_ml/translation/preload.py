"""
What Airflow's processes import once, before they fork another one for each DAG file or each task.

Airflow imports its own modules that a DAG file names before it forks; ours it does not know. Without this every parse
would import the face anew, which costs three times what the rest of a pipeline of 50 steps does; and every task would
import all that opens runs and decides about steps, which is half of the time of a check that finds everything there.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml._records import compile_records

if TYPE_CHECKING:
    from airflow_ml import hooks
    from airflow_ml.registry import registry
else:
    hooks = late("airflow_ml.hooks")
    registry = late("airflow_ml.registry.registry")

__all__ = ["preload", "preload_tasks"]

#: What DAG files use; whatever stands below comes with it.
_DAG_FILES = (
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

#: What tasks use beyond that.
_TASKS = (
    "airflow_ml.execution.connections",
    "airflow_ml.execution.pipelines",
    "airflow_ml.execution.reusing",
    "airflow_ml.execution.runner_lock",
    "airflow_ml.execution.services",
    "airflow_ml.execution.step_attempt",
    "airflow_ml.execution.steps",
    "airflow_ml.operators._announcing",
    "airflow_ml.operators._assets",
    "airflow_ml.operators._services",
    "airflow_ml.operators._supervised",
    "airflow_ml.reuse.lookup",
    "airflow_ml.translation.bundle",
    "airflow_ml.translation.bundle_dags",
)


def preload() -> None:
    """Import what DAG files use. Nothing of it opens a database or reads a file of the user's."""
    for name in _DAG_FILES:
        importlib.import_module(name)
    compile_records()


def preload_tasks() -> None:
    """
    Import what tasks use: what their DAG files do, and what decides about steps and runs them.

    Plugins for reuse are left to each task, which asks at once what is installed later; where they are is known then.
    """
    preload()
    for name in _TASKS:
        importlib.import_module(name)
    registry.preload()
    hooks.find_installed()
