"""v1's older place of ParallelRunStep (`azureml.contrib.pipeline.steps`)."""

from airflow_ml.pipeline.steps.parallel_run_config import ParallelRunConfig
from airflow_ml.pipeline.steps.parallel_run_step import ParallelRunStep

__all__ = ["ParallelRunConfig", "ParallelRunStep"]
