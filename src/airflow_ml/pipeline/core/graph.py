"""v1's second place for what pipelines are made of (`azureml.pipeline.core.graph`)."""

from airflow_ml.pipeline.core.builder import StepSequence
from airflow_ml.pipeline.core.pipeline_data import PipelineData, TrainingOutput
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter
from airflow_ml.pipeline.core.port_bindings import InputPortBinding, OutputPortBinding
from airflow_ml.pipeline.core.port_data_reference import PortDataReference

__all__ = [
    "InputPortBinding",
    "OutputPortBinding",
    "PipelineData",
    "PipelineParameter",
    "PortDataReference",
    "StepSequence",
    "TrainingOutput",
]
