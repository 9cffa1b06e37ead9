"""Values of pipeline parameters."""

from __future__ import annotations

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import (
    DataReferenceSource,
    DatasetSource,
    Graph,
    Json,
    Parameter,
    ParameterKind,
    WorkspaceRef,
    as_text,
    check_value,
    parameter_source,
    resolve_parameters,
)

DEFAULTS: dict[ParameterKind, Json] = {
    "string": "text",
    "integer": 3,
    "number": 0.5,
    "boolean": True,
    "datapath": "datastore://s/p",
    "dataset": "dataset://d@1",
}
#: What each kind takes, and what becomes of it.
GOOD: list[tuple[ParameterKind, Json, Json]] = [
    ("string", "x", "x"),
    ("string", "", ""),
    ("string", None, None),
    ("integer", 0, 0),
    ("integer", -(2**70), -(2**70)),
    ("number", 1.5, 1.5),
    ("number", 2, 2.0),
    ("boolean", False, False),
    ("datapath", "datastore://t/a b", "datastore://t/a b"),
    ("datapath", "datastore://t//a", "datastore://t/a"),
    ("dataset", "dataset://e", "dataset://e@latest"),
    ("dataset", "dataset://id/1-2", "dataset://id/1-2"),
    ("dataset", None, "dataset://d@1"),
    ("dataset", "", "dataset://d@1"),
]
WRONG: dict[ParameterKind, list[Json]] = {
    "string": [1, 1.5, True, [], {}],
    "integer": ["1", 1.0, True, None, [], {}],
    "number": ["1.5", True, None, [], {}],
    "boolean": [0, 1, "true", None, [], {}],
    "datapath": [1, True, None, "", "a/b", "dataset://d", {"DataStoreName": "s"}],
    "dataset": [1, True, "d", "datastore://s/p", {"Id": "1"}],
}


@pytest.mark.parametrize(("kind", "value", "kept"), GOOD)
def test_values_of_the_kind_are_taken(kind: ParameterKind, value: Json, kept: Json) -> None:
    """A value of the default's kind is legal; None and the empty string are legal strings."""
    checked = check_value(Parameter("p", kind, DEFAULTS[kind]), value)

    assert checked == kept
    assert type(checked) is type(kept)


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, values in WRONG.items() for value in values])
def test_values_of_other_kinds_are_refused(kind: ParameterKind, value: Json) -> None:
    """The error names the parameter; a bool is no number, and text is no number either."""
    with pytest.raises(UserErrorException, match="parameter 'p'"):
        check_value(Parameter("p", kind, DEFAULTS[kind]), value)


def test_runs_get_given_values_and_defaults() -> None:
    """What is not given has its default."""
    graph = Graph("g", WorkspaceRef("w"), (), (Parameter("a", "integer", 1), Parameter("b", "string", None)))

    assert resolve_parameters(graph, {}) == {"a": 1, "b": None}
    assert resolve_parameters(graph, {"a": 2, "b": ""}) == {"a": 2, "b": ""}


@pytest.mark.parametrize(("declared", "listed"), [(("lr",), "it declares: lr"), ((), "it declares: none")])
def test_unknown_names_are_refused(declared: tuple[str, ...], listed: str) -> None:
    """A misspelt name is an error that lists the right ones (v1's REST took it silently)."""
    graph = Graph("g", WorkspaceRef("w"), (), tuple(Parameter(name, "integer", 1) for name in declared))

    with pytest.raises(UserErrorException, match=f"no parameter 'rl'; {listed}"):
        resolve_parameters(graph, {"rl": 1})


@pytest.mark.parametrize(
    ("value", "text"), [(True, "True"), (None, "None"), (0.1, "0.1"), (5, "5"), ("", ""), ("a b", "a b")]
)
def test_scripts_see_python_text(value: Json, text: str) -> None:
    """Values become text as v1 does it."""
    assert as_text(value) == text


def test_data_parameters_name_data() -> None:
    """Datapaths and datasets become sources; a dataset parameter without a value has its own dataset."""
    own = DatasetSource(definition={"kind": "file"})

    assert parameter_source(Parameter("p", "datapath"), "datastore://s/p") == DataReferenceSource("s", "p")
    assert parameter_source(Parameter("p", "dataset"), "dataset://d@2") == DatasetSource(name="d", version="2")
    assert parameter_source(Parameter("p", "dataset", default_dataset=own), None) == own


@pytest.mark.parametrize(("kind", "value"), [("string", "x"), ("datapath", None), ("dataset", None), ("integer", 1)])
def test_other_parameters_name_no_data(kind: ParameterKind, value: Json) -> None:
    """A parameter that names no data cannot be an input."""
    with pytest.raises(UserErrorException, match="names no data"):
        parameter_source(Parameter("p", kind), value)
