"""
Airflow operators: the tasks of translated pipelines, and the same for DAGs written by hand.

In a DAG file, `PythonScriptStepOperator` and `DatasetInputOperator` are what people write; the others are made by
`Pipeline.to_dag` and `Pipeline.to_task_group`.
"""

from airflow_ml.operators.dataset_input import DatasetInputOperator
from airflow_ml.operators.pipeline_end import PipelineEndOperator
from airflow_ml.operators.python_script_step import PythonScriptStepOperator
from airflow_ml.operators.reuse_check import ReuseCheckOperator
from airflow_ml.operators.step import StepOperator

__all__ = [
    "DatasetInputOperator",
    "PipelineEndOperator",
    "PythonScriptStepOperator",
    "ReuseCheckOperator",
    "StepOperator",
]
