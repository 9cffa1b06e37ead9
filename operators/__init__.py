"""
Airflow operators: the tasks of translated pipelines, and the same for DAGs written by hand.

In a DAG file, `PythonScriptStepOperator`, `DataTransferStepOperator` and `DatasetInputOperator` are what people write;
the others are made by `Pipeline.to_dag` and `Pipeline.to_task_group`. Names are imported at their first use, because
every DAG file imports this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml._exports import lazy_exports

if TYPE_CHECKING:
    from airflow_ml.operators.data_transfer_step import DataTransferStepOperator
    from airflow_ml.operators.dataset_input import DatasetInputOperator
    from airflow_ml.operators.pipeline_end import PipelineEndOperator
    from airflow_ml.operators.python_script_step import PythonScriptStepOperator
    from airflow_ml.operators.reuse_check import ReuseCheckOperator
    from airflow_ml.operators.schedule_start import ScheduleStartOperator
    from airflow_ml.operators.step import StepOperator
    from airflow_ml.operators.step_node import StepNodeOperator

__all__ = [
    "DataTransferStepOperator",
    "DatasetInputOperator",
    "PipelineEndOperator",
    "PythonScriptStepOperator",
    "ReuseCheckOperator",
    "ScheduleStartOperator",
    "StepNodeOperator",
    "StepOperator",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "DataTransferStepOperator": "data_transfer_step",
        "DatasetInputOperator": "dataset_input",
        "PipelineEndOperator": "pipeline_end",
        "PythonScriptStepOperator": "python_script_step",
        "ReuseCheckOperator": "reuse_check",
        "ScheduleStartOperator": "schedule_start",
        "StepNodeOperator": "step_node",
        "StepOperator": "step",
    },
    (
        "data_transfer_step",
        "dataset_input",
        "links",
        "new_files_trigger",
        "pipeline_end",
        "python_script_step",
        "reuse_check",
        "schedule_start",
        "step",
        "step_node",
    ),
)
