"""Graphs as JSON and back."""

from __future__ import annotations

import dataclasses
import json

import pytest

from airflow_ml.exceptions import GraphError
from airflow_ml.graph import (
    GRAPH_VERSION,
    Graph,
    Step,
    WorkspaceRef,
    from_json,
    model,
    step_from_data,
    step_to_data,
    to_json,
)

SMALL = Graph("g", WorkspaceRef("w"), (Step("s", "s", "python_script"),))


def test_everything_survives(rich_graph: Graph) -> None:
    """A graph in which every field is set comes back equal, indented or not."""
    assert from_json(to_json(rich_graph)) == rich_graph
    assert from_json(to_json(rich_graph, indent=2)) == rich_graph


def test_rich_graph_has_every_class_and_field(rich_graph: Graph) -> None:
    """The graph that these tests go by leaves no class of the model and no field at its default."""
    seen: dict[type, set[str]] = {}
    todo: list[object] = [rich_graph]
    while todo:
        item = todo.pop()
        if dataclasses.is_dataclass(item):
            values = {field.name: getattr(item, field.name) for field in dataclasses.fields(item)}
            defaults = {field.name: field.default for field in dataclasses.fields(item)}
            names = {name for name, value in values.items() if value not in (defaults[name], {}, ())}
            seen.setdefault(type(item), set()).update(names)
            todo.extend(values.values())
        elif isinstance(item, (tuple, list)):
            todo.extend(item)
        elif isinstance(item, dict):
            todo.extend(item.values())
    for cls in (value for value in vars(model).values() if dataclasses.is_dataclass(value)):
        assert seen[cls] == {field.name for field in dataclasses.fields(cls)}, cls


def test_random_graphs_survive(random_graph: Graph) -> None:
    """Any text, any mixture of sources and arguments comes back equal, and the text is stable."""
    text = to_json(random_graph)

    assert from_json(text) == random_graph
    assert to_json(from_json(text)) == text


def test_steps_travel_alone(rich_graph: Graph) -> None:
    """One step as a mapping comes back equal, through JSON text too."""
    for step in rich_graph.steps:
        assert step_from_data(json.loads(json.dumps(step_to_data(step)))) == step


def test_defaults_are_left_out() -> None:
    """A field with a default that is added later does not change the text of older graphs."""
    document = json.loads(to_json(SMALL))

    assert document == {
        "version": GRAPH_VERSION,
        "graph": {
            "name": "g",
            "workspace": {"name": "w"},
            "steps": [{"id": "s", "name": "s", "kind": "python_script"}],
        },
    }


@pytest.mark.parametrize("version", [0, GRAPH_VERSION + 1, "1", None, True])
def test_other_versions_are_refused(version: object) -> None:
    """A version that this airflow-ml does not know is an error that says what to do."""
    document = {**json.loads(to_json(SMALL)), "version": version}

    with pytest.raises(GraphError, match="use the airflow-ml that wrote it"):
        from_json(json.dumps(document))


@pytest.mark.parametrize(
    ("place", "field"), [((), "extra"), (("workspace",), "password"), (("steps", 0), "type"), (("steps", 0), "x")]
)
def test_unknown_fields_are_refused(place: tuple[str | int, ...], field: str) -> None:
    """A field that the model does not have is an error that names it, wherever it stands."""
    document = json.loads(to_json(SMALL))
    target = document["graph"]
    for key in place:
        target = target[key]
    target[field] = 1

    with pytest.raises(GraphError, match=f"no field '{field}'"):
        from_json(json.dumps(document))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "5", "{}", '{"version": 1}', '{"version": 1, "graph": []}', '{"version": 1, "graph": {}}'],
)
def test_other_text_is_refused(text: str) -> None:
    """Text that is no graph is a GraphError, never a KeyError of ours."""
    with pytest.raises(GraphError, match="is no graph"):
        from_json(text)


@pytest.mark.parametrize("source", [{}, {"type": "elsewhere"}, {"type": "input", "port": "p"}, {"type": "task"}])
def test_sources_of_unknown_types_are_refused(source: object) -> None:
    """A source says which of the known types it is, with that type's fields."""
    step = {"id": "s", "name": "s", "kind": "k", "inputs": [{"name": "i", "source": source}]}

    with pytest.raises(GraphError):
        step_from_data(step)  # type: ignore[arg-type]  # what is tested
