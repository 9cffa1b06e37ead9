"""Values of pipeline parameters: what is accepted, and how a script sees them."""

from __future__ import annotations

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.uris import datapath_uri, dataset_uri, parse_datapath, parse_dataset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_ml.graph.model import DataReferenceSource, DatasetSource, Graph, Json, Parameter

__all__ = ["as_text", "check_value", "parameter_source", "resolve_parameters"]

_WORDS = {
    "string": "a string",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "datapath": "a string 'datastore://name/path'",
    "dataset": "a string 'dataset://name@version'",
}


def resolve_parameters(graph: Graph, given: Mapping[str, Json]) -> dict[str, Json]:
    """
    Return the value of every parameter of the graph for one run: the given ones checked, defaults for the others.

    Raises:
        UserErrorException: a name that the pipeline does not declare (v1 ignored it silently in REST bodies and
            people lost days), or a value of another kind than the default.
    """
    known = {parameter.name: parameter for parameter in graph.parameters}
    for name in given:
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise UserErrorException(
                f"pipeline {graph.name!r} has no parameter {name!r}; it declares: {names}; correct the name or"
                " add a PipelineParameter of that name"
            )
    return {
        name: check_value(parameter, given[name]) if name in given else parameter.default
        for name, parameter in known.items()
    }


def check_value(parameter: Parameter, value: Json) -> Json:
    """
    Return the value as the parameter's kind holds it; a whole number is taken for a number.

    None and the empty string are legal for strings. A dataset parameter takes both for its own default, because a
    trigger form cannot leave a field out.

    Raises:
        UserErrorException: the value is of another kind; the text names parameter, value and expected kind.
    """
    where = f"parameter {parameter.name!r}"
    if value is None and parameter.kind == "string":
        return None
    if parameter.kind == "dataset" and value in (None, ""):
        return parameter.default
    if parameter.kind == "datapath" and isinstance(value, str):
        return datapath_uri(parse_datapath(value, where=where))
    if parameter.kind == "dataset" and isinstance(value, str):
        return dataset_uri(parse_dataset(value, where=where))
    if isinstance(value, {"string": str, "boolean": bool}.get(parameter.kind, ())):
        return value
    if parameter.kind == "integer" and isinstance(value, int) and not isinstance(value, bool):
        return value
    if parameter.kind == "number" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    raise UserErrorException(
        f"{where}: {value!r} is a {type(value).__name__}, but its default {parameter.default!r} asks for"
        f" {_WORDS[parameter.kind]}"
    )


def as_text(value: Json) -> str:
    """Return a value as the script's argv holds it: Python's `str()`, as v1 does (`True`, `None`, `0.1`)."""
    return str(value)


def parameter_source(parameter: Parameter, value: Json) -> DatasetSource | DataReferenceSource:
    """
    Return the data that the value of a datapath or dataset parameter names.

    Raises:
        UserErrorException: the parameter is of another kind, or names no data.
    """
    where = f"parameter {parameter.name!r}"
    if parameter.kind == "datapath" and isinstance(value, str):
        return parse_datapath(value, where=where)
    if parameter.kind == "dataset" and isinstance(value, str):
        return parse_dataset(value, where=where)
    if parameter.kind == "dataset" and value is None and parameter.default_dataset is not None:
        return parameter.default_dataset
    raise UserErrorException(f"{where}: {value!r} names no data; give {_WORDS[parameter.kind]}")
