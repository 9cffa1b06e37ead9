"""
A pipeline as plain data: model, JSON, checks, and how data is named as text.

Everything behind the public face (translation, execution, reuse, REST, pages) sees a pipeline in this form only.
Names are imported at their first use, because every DAG file imports this package.
"""

from __future__ import annotations

from airflow_ml._exports import lazy_exports

TYPE_CHECKING = False
if TYPE_CHECKING:
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
        SourceSnapshot,
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
    "SourceSnapshot",
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

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "Argument": "model",
        "ComputeDeclaration": "model",
        "DataReferenceSource": "model",
        "DatasetSource": "model",
        "GRAPH_VERSION": "codec",
        "Graph": "model",
        "InputMode": "model",
        "InputPort": "model",
        "InputRef": "model",
        "Json": "model",
        "OutputMode": "model",
        "OutputPort": "model",
        "OutputRef": "model",
        "Parameter": "model",
        "ParameterKind": "model",
        "ParameterRef": "model",
        "ParameterSource": "model",
        "Part": "model",
        "Registration": "model",
        "Source": "model",
        "SourceSnapshot": "model",
        "Step": "model",
        "StepOutputSource": "model",
        "TaskSource": "model",
        "WorkspaceRef": "model",
        "as_text": "values",
        "check_value": "values",
        "datapath_uri": "uris",
        "dataset_uri": "uris",
        "find_cycle": "checks",
        "find_problems": "checks",
        "from_json": "codec",
        "in_running_order": "checks",
        "parameter_source": "values",
        "parse_datapath": "uris",
        "parse_dataset": "uris",
        "resolve_parameters": "values",
        "step_from_data": "codec",
        "step_to_data": "codec",
        "to_json": "codec",
    },
    ("checks", "codec", "model", "uris", "values"),
)
