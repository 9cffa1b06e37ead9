"""v1's second place for what pipelines are made of (`azureml.pipeline.core.graph`)."""

from airflow_ml.graph import Graph
from airflow_ml.pipeline.core._definitions import InputPortDef, OutputPortDef, ParamDef
from airflow_ml.pipeline.core._pipeline_dataset import PipelineDataset
from airflow_ml.pipeline.core._training_output import TrainingOutput
from airflow_ml.pipeline.core.builder import StepSequence
from airflow_ml.pipeline.core.pipeline_data import PipelineData
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter
from airflow_ml.pipeline.core.port_bindings import InputPortBinding, OutputPortBinding
from airflow_ml.pipeline.core.port_data_reference import PortDataReference
from airflow_ml.pipeline.core.published_pipeline import PublishedPipeline

__all__ = [
    "Graph",
    "InputPortBinding",
    "InputPortDef",
    "OutputPortBinding",
    "OutputPortDef",
    "ParamDef",
    "PipelineData",
    "PipelineDataset",
    "PipelineParameter",
    "PortDataReference",
    "PublishedPipeline",
    "StepSequence",
    "TrainingOutput",
]
