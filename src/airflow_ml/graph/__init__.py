"""
A pipeline as plain data: model, JSON, checks, and how data is named as text.

Everything behind the public face (translation, execution, reuse, REST, pages) sees a pipeline in this form only.
"""

from airflow_ml.graph.checks import find_cycle, find_problems, in_running_order
from airflow_ml.graph.codec import GRAPH_VERSION, from_json, step_from_data, step_to_data, to_json
from airflow_ml.graph.model import (
    Argument,
    ComputeDeclaration,
    DataReferenceSource,
    DatasetSource,
    Graph,
    InputMode,
    InputPort,
    InputRef,
    Json,
    OutputMode,
    OutputPort,
    OutputRef,
    Parameter,
    ParameterKind,
    ParameterRef,
    ParameterSource,
    Part,
    Registration,
    Source,
    Step,
    StepOutputSource,
    TaskSource,
    WorkspaceRef,
)
from airflow_ml.graph.uris import datapath_uri, dataset_uri, parse_datapath, parse_dataset
from airflow_ml.graph.values import as_text, check_value, parameter_source, resolve_parameters

__all__ = [
    "GRAPH_VERSION",
    "Argument",
    "ComputeDeclaration",
    "DataReferenceSource",
    "DatasetSource",
    "Graph",
    "InputMode",
    "InputPort",
    "InputRef",
    "Json",
    "OutputMode",
    "OutputPort",
    "OutputRef",
    "Parameter",
    "ParameterKind",
    "ParameterRef",
    "ParameterSource",
    "Part",
    "Registration",
    "Source",
    "Step",
    "StepOutputSource",
    "TaskSource",
    "WorkspaceRef",
    "as_text",
    "check_value",
    "datapath_uri",
    "dataset_uri",
    "find_cycle",
    "find_problems",
    "from_json",
    "in_running_order",
    "parameter_source",
    "parse_datapath",
    "parse_dataset",
    "resolve_parameters",
    "step_from_data",
    "step_to_data",
    "to_json",
]
