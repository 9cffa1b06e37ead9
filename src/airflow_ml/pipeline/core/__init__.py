"""Pipelines, their data and their runs (`azureml.pipeline.core`)."""

from airflow_ml.pipeline.core.builder import PipelineStep, StepSequence
from airflow_ml.pipeline.core.pipeline import Pipeline
from airflow_ml.pipeline.core.pipeline_data import PipelineData, TrainingOutput
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter
from airflow_ml.pipeline.core.port_bindings import InputPortBinding, OutputPortBinding
from airflow_ml.pipeline.core.port_data_reference import PortDataReference, StepRunOutput
from airflow_ml.pipeline.core.run import PipelineRun, StepRun

__all__ = [
    "InputPortBinding",
    "OutputPortBinding",
    "Pipeline",
    "PipelineData",
    "PipelineParameter",
    "PipelineRun",
    "PipelineStep",
    "PortDataReference",
    "StepRun",
    "StepRunOutput",
    "StepSequence",
    "TrainingOutput",
]
