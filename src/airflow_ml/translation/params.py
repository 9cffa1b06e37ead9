"""
Pipeline parameters as Airflow params: typed fields of the trigger form, and checked by Airflow's REST API.

Datastore paths and datasets are strings with one grammar (`airflow_ml.graph.uris`), never objects: Airflow's form
loses edits of objects (apache/airflow issues 46858, 55213).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow.sdk import Param

from airflow_ml.exceptions import GraphError
from airflow_ml.graph.secret_names import holds_secret, is_secret_name
from airflow_ml.translation.reuse_param import find_reuse_param

if TYPE_CHECKING:
    from airflow_ml.graph import Parameter, ParameterKind

__all__ = ["add_params", "is_hidden", "make_params"]

_SCHEMAS: Mapping[ParameterKind, Mapping[str, Any]] = {
    "string": {"type": ["null", "string"]},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "datapath": {"type": "string", "pattern": "^datastore://[^/]+/.*$"},
    "dataset": {"type": ["null", "string"], "pattern": "^(dataset://.+)?$"},
}
_DESCRIPTIONS: Mapping[ParameterKind, str] = {
    "datapath": "A path on a datastore: `datastore://name/path`.",
    "dataset": "A dataset: `dataset://name@version`, or empty for the pipeline's own.",
}


def make_params(parameters: tuple[Parameter, ...]) -> dict[str, Param]:
    """Return one Param per parameter; None and the empty string are legal for strings."""
    return {
        parameter.name: _hidden_param(parameter)
        if is_hidden(parameter)
        else Param(
            parameter.default,
            title=parameter.name,
            description=_DESCRIPTIONS.get(parameter.kind),
            **_SCHEMAS[parameter.kind],
        )
        for parameter in parameters
    }


def is_hidden(parameter: Parameter) -> bool:
    """
    Whether Airflow must not know the default: it keeps the defaults of params in plain text, and shows them.

    The param is empty then, and the default is taken where a run gives no value.
    """
    default = parameter.default
    if default in (None, "") or parameter.kind in ("datapath", "dataset"):
        return False
    return is_secret_name(parameter.name) or (isinstance(default, str) and holds_secret(default))


def _hidden_param(parameter: Parameter) -> Param:
    kind = _SCHEMAS[parameter.kind]["type"]
    kinds = kind if isinstance(kind, list) else ["null", kind]
    return Param(None, title=parameter.name, description="Empty: the pipeline's own value, not shown.", type=kinds)


def add_params(existing: Any, parameters: tuple[Parameter, ...], *, where: str) -> None:
    """
    Put the parameters of a task group's pipeline among the params of its DAG.

    Raises:
        ValueError: the DAG has a param of that name with another default, or it is the one for reuse.
    """
    ours = find_reuse_param(existing)
    for name, param in make_params(parameters).items():
        if name == ours:
            raise GraphError(
                f"{where}: the pipeline has a parameter {name!r}, and the DAG has the param of that name by which runs"
                " say how results are reused; rename the parameter, or write this pipeline as the first of the DAG"
            )
        known = existing.get_param(name).value if name in existing else param.value
        # True == 1 == 1.0, but their fields in the form are not the same.
        if (type(known), known) != (type(param.value), param.value):
            raise GraphError(
                f"{where}: the DAG already has a param {name!r} with the default {known!r}, the pipeline's is"
                f" {param.value!r}; rename one of them"
            )
        existing[name] = param
