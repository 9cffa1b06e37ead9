"""Values of pipeline parameters as `submit` is given them, in the form that the graph holds them."""

from __future__ import annotations

from typing import cast

from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.datapath import DataPath
from airflow_ml.graph import datapath_uri, dataset_uri, resolve_parameters
from airflow_ml.pipeline.core._given import ArgumentTypeError
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph import Graph, Json

__all__ = ["parameter_values"]


def parameter_values(graph: Graph, given: Mapping[str, object], workspace: Workspace) -> dict[str, Json]:
    """
    Return the values that a run is started with, data objects as text; what is wrong raises before anything is saved.

    Raises:
        UserErrorException: a name that the pipeline does not declare, or a value of another kind than the default.
        TypeError: a dataset for a parameter that is none, or a table where files are expected (v1 raises it too).
    """
    plain: dict[str, Json] = {}
    datasets: dict[str, AbstractDataset] = {}
    for name, value in given.items():
        if isinstance(value, PipelineParameter):
            value = value.default_value
        if isinstance(value, AbstractDataset):
            _check_dataset(graph, name, value)
            datasets[name] = value
        plain[name] = _as_text(value)
    resolve_parameters(graph, plain)
    for name, dataset in datasets.items():
        if dataset.source.definition is not None:
            dataset.ensure_saved(workspace)
        plain[name] = dataset_uri(dataset.source)
    return plain


def _as_text(value: object) -> Json:
    if isinstance(value, DataPath):
        return datapath_uri(value.source)
    if isinstance(value, AbstractDataset):
        return None  # the default's place is taken once the dataset is saved
    return cast("Json", value)


def _check_dataset(graph: Graph, name: str, value: AbstractDataset) -> None:
    parameter = next((parameter for parameter in graph.parameters if parameter.name == name), None)
    if parameter is None:
        return
    if parameter.kind != "dataset":
        raise ArgumentTypeError(
            f"parameter {name!r}: {value!r} is a dataset, but its default {parameter.default!r} asks for a"
            f" {parameter.kind}; give a value of the default's kind"
        )
    source = parameter.default_dataset
    expected = None if source is None or source.definition is None else source.definition.get("kind")
    if expected is not None and expected != value.kind:
        raise ArgumentTypeError(
            f"parameter {name!r}: the dataset is of kind {value.kind!r}, its default of kind {expected!r}; give a"
            " dataset of the default's kind"
        )
