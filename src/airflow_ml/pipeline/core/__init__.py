"""
Pipelines, their data and their runs (`azureml.pipeline.core`).

Names are imported at their first use, because every DAG file imports this package.
"""

from __future__ import annotations

from airflow_ml._exports import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.pipeline.core._pipeline_dataset import PipelineDataset
    from airflow_ml.pipeline.core._training_output import TrainingOutput
    from airflow_ml.pipeline.core.builder import PipelineStep, StepSequence
    from airflow_ml.pipeline.core.module import Module, ModuleVersion, ModuleVersionDescriptor
    from airflow_ml.pipeline.core.pipeline import Pipeline
    from airflow_ml.pipeline.core.pipeline_data import PipelineData
    from airflow_ml.pipeline.core.pipeline_draft import PipelineDraft
    from airflow_ml.pipeline.core.pipeline_endpoint import PipelineEndpoint
    from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter
    from airflow_ml.pipeline.core.port_bindings import InputPortBinding, OutputPortBinding
    from airflow_ml.pipeline.core.port_data_reference import PortDataReference, StepRunOutput
    from airflow_ml.pipeline.core.published_pipeline import PublishedPipeline
    from airflow_ml.pipeline.core.reuse_policy import ReusePolicy
    from airflow_ml.pipeline.core.run import PipelineRun, StepRun
    from airflow_ml.pipeline.core.schedule import Schedule, ScheduleRecurrence, TimeZone

__all__ = [
    "InputPortBinding",
    "Module",
    "ModuleVersion",
    "ModuleVersionDescriptor",
    "OutputPortBinding",
    "Pipeline",
    "PipelineData",
    "PipelineDataset",
    "PipelineDraft",
    "PipelineEndpoint",
    "PipelineParameter",
    "PipelineRun",
    "PipelineStep",
    "PortDataReference",
    "PublishedPipeline",
    "ReusePolicy",
    "Schedule",
    "ScheduleRecurrence",
    "StepRun",
    "StepRunOutput",
    "StepSequence",
    "TimeZone",
    "TrainingOutput",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "InputPortBinding": "port_bindings",
        "Module": "module",
        "ModuleVersion": "module",
        "ModuleVersionDescriptor": "module",
        "OutputPortBinding": "port_bindings",
        "Pipeline": "pipeline",
        "PipelineData": "pipeline_data",
        "PipelineDataset": "_pipeline_dataset",
        "PipelineDraft": "pipeline_draft",
        "PipelineEndpoint": "pipeline_endpoint",
        "PipelineParameter": "pipeline_parameter",
        "PipelineRun": "run",
        "PipelineStep": "builder",
        "PortDataReference": "port_data_reference",
        "PublishedPipeline": "published_pipeline",
        "ReusePolicy": "reuse_policy",
        "Schedule": "schedule",
        "ScheduleRecurrence": "schedule",
        "StepRun": "run",
        "StepRunOutput": "port_data_reference",
        "StepSequence": "builder",
        "TimeZone": "schedule",
        "TrainingOutput": "_training_output",
    },
    (
        "builder",
        "graph",
        "module",
        "pipeline",
        "pipeline_data",
        "pipeline_draft",
        "pipeline_endpoint",
        "pipeline_output_dataset",
        "pipeline_parameter",
        "published_pipeline",
        "reuse_policy",
        "run",
        "schedule",
    ),
)
