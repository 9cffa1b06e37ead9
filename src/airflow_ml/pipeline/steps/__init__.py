"""Kinds of steps (`azureml.pipeline.steps`)."""

from airflow_ml.pipeline.steps.python_script_step import PythonScriptStep

__all__ = ["PythonScriptStep"]
