"""
v1's body of a request that starts a run of a published pipeline, read into what the run is started with.

Names of fields are taken in any case: the v1 SDK itself wrote `ExperimentName` and `tags` into one body. A field that
has no meaning here is refused unless it says nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.graph import (
    DataReferenceSource,
    DatasetSource,
    datapath_uri,
    dataset_uri,
    parse_dataset,
    read_reuse_mode,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_ml.graph import Graph, Json, ParameterKind, ReuseMode

__all__ = ["FIELDS", "RunRequest", "read_request"]

#: The fields that have a meaning.
FIELDS = (
    *("ExperimentName", "Description", "RunSource", "RunType", "ParameterAssignments", "DataPathAssignments"),
    *("DataSetDefinitionValueAssignments", "Tags", "Properties", "ContinueRunOnStepFailure", "Reuse"),
)
#: v1's fields that say something which is not there.
_REFUSED = ("ScheduleId", "EnableNotification", "StepTags", "ParentRunId", "DisplayName")
_KNOWN = {name.lower(): name for name in (*FIELDS, *_REFUSED)}


@dataclass(frozen=True)
class RunRequest:
    """
    What a run is asked for with.

    Attributes:
        parameters: values by parameter name, in the form that the graph holds them.
        continue_on_step_failure: None leaves it to the published pipeline.
        reuse: how results of earlier runs are used; the one field that v1's body did not have.
        run_source: v1's word for who started it; `run_type` is its word for how.
        unused: names of assignments to a pipeline that declares no parameters at all. v1's REST endpoints took any
            name, and official notebooks send some to such pipelines; where parameters are declared, another name is
            an error, because it is a slip.
    """

    experiment: str
    parameters: Mapping[str, Json] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    continue_on_step_failure: bool | None = None
    reuse: ReuseMode = "normal"
    run_source: str = "HTTP"
    run_type: str = "HTTP"
    properties: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()


def read_request(text: bytes, graph: Graph) -> RunRequest:
    """
    Read the body of a request for a run of the graph.

    Raises:
        UserErrorException: it is not JSON, a field is unknown, missing or of another shape, or a parameter is.
    """
    body = _fields(text)
    for name in _REFUSED:
        if body.get(name):
            raise NotSupportedError(f"{name} of the body: {body[name]!r} is not supported; leave it out")
    if not body.get("ExperimentName"):
        raise UserErrorException("ExperimentName of the body: it is missing; name the experiment that the run is of")
    goes_on = body.get("ContinueRunOnStepFailure")
    if goes_on is not None and not isinstance(goes_on, bool):
        raise UserErrorException(f"ContinueRunOnStepFailure of the body: {goes_on!r}, expected true or false")
    assigned = _parameters(body, graph)
    return RunRequest(
        experiment=_text(body, "ExperimentName") or "",
        parameters=assigned if graph.parameters else {},
        tags=_texts(body, "Tags"),
        description=_text(body, "Description"),
        continue_on_step_failure=goes_on,
        reuse=read_reuse_mode(body.get("Reuse") or "normal", where="Reuse of the body"),
        run_source=_text(body, "RunSource") or "HTTP",
        run_type=_text(body, "RunType") or "HTTP",
        properties=_properties(body),
        unused=() if graph.parameters else tuple(assigned),
    )


def _fields(text: bytes) -> dict[str, Json]:
    """Return the body's fields under the names as v1 documents them."""
    try:
        body = json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise UserErrorException(f"body: it is not JSON ({error}); send an object with ExperimentName") from error
    if not isinstance(body, dict):
        raise UserErrorException(f"body: a {type(body).__name__}, expected an object with ExperimentName")
    unknown = [name for name in body if name.lower() not in _KNOWN]
    if unknown:
        raise UserErrorException(f"body: unknown field {unknown[0]!r}; the fields are {', '.join(FIELDS)}")
    return {_KNOWN[name.lower()]: value for name, value in body.items()}


def _refuse_constant(word: str) -> Json:
    """Refuse NaN and the infinities, which Python reads but which are no JSON, and no value of a parameter."""
    raise ValueError(f"{word} is no number")


def _text(body: Mapping[str, Json], name: str) -> str | None:
    value = body.get(name)
    if value is not None and not isinstance(value, str):
        raise UserErrorException(f"{name} of the body: {value!r}, expected a text")
    return value


def _mapping(body: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    value = body.get(name) or {}
    if not isinstance(value, dict):
        raise UserErrorException(f"{name} of the body: {value!r}, expected an object of names and values")
    return value


def _texts(body: Mapping[str, Json], name: str) -> dict[str, str]:
    """Return labels; plain values become text, as v1's clients wrote numbers too."""
    labels = {}
    for label, value in _mapping(body, name).items():
        if isinstance(value, (dict, list)):
            raise UserErrorException(f"{label!r} of {name}: {value!r}, expected a text")
        labels[label] = value if isinstance(value, str) else "" if value is None else json.dumps(value)
    return labels


def _properties(body: Mapping[str, Json]) -> dict[str, str]:
    properties = _texts(body, "Properties")
    for name in properties:
        if name.startswith("azureml."):
            raise UserErrorException(f"{name!r} of Properties: such names are the run's own; choose another one")
    return properties


def _parameters(body: Mapping[str, Json], graph: Graph) -> dict[str, Json]:
    """Return all assignments by parameter name; whoever opens the run refuses names that the graph does not know."""
    kinds = {parameter.name: parameter.kind for parameter in graph.parameters}
    values = {name: _typed(value, kinds.get(name)) for name, value in _mapping(body, "ParameterAssignments").items()}
    for field_name, kind, read in (
        ("DataPathAssignments", "datapath", _datapath),
        ("DataSetDefinitionValueAssignments", "dataset", _dataset),
    ):
        for name, value in _mapping(body, field_name).items():
            where = f"{name!r} of {field_name}"
            if kinds.get(name, kind) != kind:
                raise UserErrorException(
                    f"{where}: the parameter is of kind {kinds[name]!r}; give its value in ParameterAssignments"
                )
            values[name] = read(value, where)
    return values


def _typed(value: Json, kind: ParameterKind | None) -> Json:
    """Return a text as the number or truth value that it says, because v1's bodies held every value as text."""
    if kind is None or kind not in _READERS or not isinstance(value, str):
        return value
    try:
        # Python would take digits of other scripts and `1_000` as well.
        return _READERS[kind](value) if value.isascii() and "_" not in value else value
    except ValueError:
        return value  # refused where all values are checked, with the parameter's name


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _truth(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)
    return text.lower() == "true"


#: What a text of v1's bodies means, where the parameter is no text.
_READERS: Mapping[ParameterKind, Callable[[str], Json]] = {"integer": int, "number": _number, "boolean": _truth}


def _datapath(value: Json, where: str) -> str:
    fields = value if isinstance(value, dict) else {}
    store, path = fields.get("DataStoreName"), fields.get("RelativePath")
    if not isinstance(store, str) or not isinstance(path, str) or not store:
        raise UserErrorException(
            f"{where}: {value!r}, expected an object with DataStoreName and RelativePath, both texts"
        )
    return datapath_uri(DataReferenceSource(store, path))


def _dataset(value: Json, where: str) -> str | None:
    fields = value if isinstance(value, dict) else {}
    saved, registered = fields.get("SavedDataSetReference"), fields.get("DataSetReference")
    saved_id = saved.get("Id") if isinstance(saved, dict) else None
    if isinstance(saved_id, str) and saved_id:
        return dataset_uri(DatasetSource(saved_id=saved_id))
    if isinstance(registered, dict) and isinstance(registered.get("Name"), str):
        version = registered.get("Version")
        name = f"dataset://{registered['Name']}" + ("" if version is None else f"@{version}")
        return dataset_uri(parse_dataset(name, where=where))
    raise UserErrorException(
        f'{where}: {value!r}, expected {{"SavedDataSetReference": {{"Id": ...}}}} with the id of a dataset, or'
        ' {"DataSetReference": {"Name": ..., "Version": ...}} with a registered one'
    )
