"""
A graph as JSON and back.

The text starts with a version. A reader takes its own version and every older one it knows how to upgrade; a newer
one is an error that says which airflow-ml to install. Fields that hold their default are left out, so that adding a
field with a default does not change what older graphs look like.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, TypeVar, cast

from airflow_ml.exceptions import GraphError
from airflow_ml.graph.model import (
    ComputeDeclaration,
    DatabaseSource,
    DataReferenceSource,
    DatasetSource,
    Graph,
    InputPort,
    InputRef,
    Json,
    OutputPort,
    OutputRef,
    Parameter,
    ParameterRef,
    ParameterSource,
    Registration,
    ReusePolicy,
    SourceSnapshot,
    Step,
    StepOutputSource,
    TaskSource,
    WorkspaceRef,
)

__all__ = ["GRAPH_VERSION", "from_json", "step_from_data", "step_to_data", "to_json"]

#: Raised whenever a reader of the former version would misread the text.
GRAPH_VERSION = 1

#: The word that stands for a class where several classes can stand.
_TAGS: dict[type, str] = {
    InputRef: "input",
    OutputRef: "output",
    ParameterRef: "parameter",
    StepOutputSource: "step_output",
    DatasetSource: "dataset",
    DataReferenceSource: "data_reference",
    DatabaseSource: "database",
    ParameterSource: "parameter",
    TaskSource: "task",
}
_SOURCES = {
    _TAGS[cls]: cls
    for cls in (StepOutputSource, DatasetSource, DataReferenceSource, DatabaseSource, ParameterSource, TaskSource)
}
_PARTS = {_TAGS[cls]: cls for cls in (InputRef, OutputRef, ParameterRef)}

_T = TypeVar("_T")


def to_json(graph: Graph, *, indent: int | None = None) -> str:
    """Write a graph as JSON text; the same graph gives the same text."""
    return json.dumps({"version": GRAPH_VERSION, "graph": _plain(graph)}, indent=indent, sort_keys=True)


def from_json(text: str) -> Graph:
    """
    Read a graph that `to_json` wrote.

    Raises:
        GraphError: the text is not a graph, or comes from a newer airflow-ml.
    """
    try:
        document = json.loads(text)
        version = document["version"]
    except (ValueError, TypeError, KeyError) as error:
        raise GraphError(f"graph: this text is no graph ({error}); write graphs with to_json", error) from error
    if isinstance(version, bool) or version != GRAPH_VERSION:
        raise GraphError(
            f"graph version {version!r} cannot be read by this airflow-ml, which knows version {GRAPH_VERSION};"
            " use the airflow-ml that wrote it, or submit the pipeline again"
        )
    with _shape_errors():
        return _graph(document["graph"])


def step_to_data(step: Step) -> dict[str, Json]:
    """Write one step as a JSON mapping."""
    return cast(dict[str, Json], _plain(step))


def step_from_data(data: Mapping[str, Json]) -> Step:
    """
    Read one step that `step_to_data` wrote.

    Raises:
        GraphError: the mapping is no step.
    """
    with _shape_errors():
        return _step(cast(Mapping[str, Any], data))


@contextmanager
def _shape_errors() -> Iterator[None]:
    """Raise GraphError where the text has another shape than a graph: a field is missing, or of another type."""
    try:
        yield
    except (TypeError, KeyError, AttributeError) as error:
        raise GraphError(f"graph: this text is no graph ({error}); was it edited by hand?", error) from error


def _plain(value: Any) -> Any:
    """Turn dataclasses into mappings, tagged where their class must be known, and leave defaults out."""
    if is_dataclass(value) and not isinstance(value, type):
        data = {f.name: _plain(getattr(value, f.name)) for f in fields(value) if not _is_default(f, value)}
        tag = _TAGS.get(type(value))
        return data if tag is None else {"type": tag, **data}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value


def _is_default(f: Field[Any], owner: Any) -> bool:
    default = f.default_factory() if f.default_factory is not MISSING else f.default
    return default is not MISSING and bool(getattr(owner, f.name) == default)


def _graph(data: Mapping[str, Any]) -> Graph:
    return _build(
        Graph,
        data,
        workspace=lambda value: _build(WorkspaceRef, value),
        steps=lambda value: tuple(map(_step, value)),
        parameters=lambda value: tuple(_build(Parameter, item, default_dataset=_source) for item in value),
        compute_declarations=lambda value: tuple(_build(ComputeDeclaration, item) for item in value),
        reuse=_reuse,
    )


def _step(data: Mapping[str, Any]) -> Step:
    return _build(
        Step,
        data,
        arguments=lambda value: tuple(map(_argument, value)),
        inputs=lambda value: tuple(_build(InputPort, item, source=_source) for item in value),
        outputs=lambda value: tuple(_build(OutputPort, item, registration=_registration) for item in value),
        params=lambda value: {name: _argument(item) for name, item in value.items()},
        snapshot=lambda value: _build(SourceSnapshot, value),
        run_settings=lambda value: {name: _setting(item) for name, item in value.items()},
        after=tuple,
        reuse=_reuse,
        ignore_in_fingerprint=tuple,
        hash_paths=tuple,
    )


def _build(cls: type[_T], data: Mapping[str, Any], **readers: Callable[[Any], Any]) -> _T:
    known = {f.name for f in fields(cast(Any, cls))}
    unknown = set(data) - known
    if unknown:
        raise GraphError(f"graph: {cls.__name__} has no field {sorted(unknown)[0]!r}; was the text edited by hand?")
    return cls(**{name: readers[name](item) if name in readers else item for name, item in data.items()})


def _source(data: Mapping[str, Any]) -> Any:
    fields_of = {name: item for name, item in data.items() if name != "type"}
    return _build(_tagged(_SOURCES, data), fields_of, parameters=lambda value: tuple(map(tuple, value)))


def _part(data: Any) -> Any:
    if isinstance(data, str):
        return data
    return _build(_tagged(_PARTS, data), {name: item for name, item in data.items() if name != "type"})


def _setting(data: Any) -> Any:
    is_reference = isinstance(data, Mapping) and set(data) == {"type", "name"} and data["type"] == "parameter"
    return _part(data) if is_reference else data


def _argument(data: list[Any]) -> Any:
    return tuple(map(_part, data))


def _registration(data: Mapping[str, Any]) -> Registration:
    return _build(Registration, data)


def _reuse(data: Mapping[str, Any]) -> ReusePolicy:
    return _build(ReusePolicy, data)


def _tagged(table: Mapping[str, type], data: Mapping[str, Any]) -> type[Any]:
    try:
        return table[data["type"]]
    except KeyError:
        raise GraphError(f"graph: {data.get('type')!r} is none of {sorted(table)}") from None
