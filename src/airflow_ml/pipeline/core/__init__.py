"""
Pipelines, their data and their runs (`azureml.pipeline.core`).

Names are imported at their first use, because every DAG file imports this package.
"""

from __future__ import annotations

from airflow_ml._exports import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
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

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "InputPortBinding": "port_bindings",
        "OutputPortBinding": "port_bindings",
        "Pipeline": "pipeline",
        "PipelineData": "pipeline_data",
        "PipelineParameter": "pipeline_parameter",
        "PipelineRun": "run",
        "PipelineStep": "builder",
        "PortDataReference": "port_data_reference",
        "StepRun": "run",
        "StepRunOutput": "port_data_reference",
        "StepSequence": "builder",
        "TrainingOutput": "pipeline_data",
    },
    (
        "builder",
        "graph",
        "pipeline",
        "pipeline_data",
        "pipeline_output_dataset",
        "pipeline_parameter",
        "run",
    ),
)
