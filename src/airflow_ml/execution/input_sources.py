"""What an input of a step stands for in this run: outputs, datasets, values of parameters, what tasks handed on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_ml.exceptions import GraphError
from airflow_ml.execution.records import newest_completed
from airflow_ml.execution.run_parameters import run_parameters
from airflow_ml.graph import DatasetSource, parameter_source

if TYPE_CHECKING:
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import ParameterSource, Source, StepOutputSource, TaskSource
    from airflow_ml.registry import DatasetRecord, OutputRecord

__all__ = ["find_dataset", "find_output", "handed_on", "parameter_data"]


def find_output(services: Services, task: StepTask, source: StepOutputSource) -> OutputRecord:
    """Return the output of a step of this run; raises GraphError if that has not completed."""
    producer = newest_completed(services, task.pipeline_run_id, source.step)
    if producer is None:
        raise GraphError(
            f"step {source.step!r}, which writes it, has not completed in this run; run or clear that step first"
        )
    return services.registry.outputs.get(producer.id, source.output)


def find_dataset(services: Services, source: DatasetSource) -> DatasetRecord:
    """Return a dataset that is named or defined; raises UserErrorException if there is none."""
    datasets = services.registry.datasets
    if source.name is not None:
        version = source.version
        return datasets.by_name(source.name, "latest" if version == "latest" else int(version))
    if source.definition is not None:
        return datasets.get(datasets.save(source.definition))
    assert source.saved_id is not None
    return datasets.get(source.saved_id)


def parameter_data(task: StepTask, source: ParameterSource) -> Source:
    """Return what a parameter names in this run."""
    values = run_parameters(task.pipeline)
    return parameter_source(task.graph.parameter(source.parameter), values.get(source.parameter))


def handed_on(task: StepTask, source: TaskSource) -> Source:
    """Return the dataset that another task handed on; raises GraphError if it has not."""
    value = task.handed_on.get(source.task_id)
    if not isinstance(value, dict) or "dataset_id" not in value:
        raise GraphError(f"task {source.task_id!r} handed on {value!r} instead of a dataset; has it run?")
    return DatasetSource(saved_id=str(value["dataset_id"]))
