"""v1's bodies, read."""

from __future__ import annotations

import json

import pytest

from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.graph import Graph, Parameter, WorkspaceRef
from airflow_ml.translation.rest_bodies import read_request

GRAPH = Graph(
    "p",
    WorkspaceRef("w"),
    (),
    parameters=(
        Parameter("text", "string", "x"),
        Parameter("whole", "integer", 1),
        Parameter("rate", "number", 0.5),
        Parameter("flag", "boolean", False),
        Parameter("place", "datapath", "datastore://s/p"),
        Parameter("data", "dataset"),
    ),
)


def read(**fields: object):
    """Read a body of these fields for an experiment."""
    return read_request(json.dumps({"ExperimentName": "e", **fields}).encode(), GRAPH)


def test_the_body_of_the_official_notebooks():
    """Parameters, a data path and a dataset arrive under their names, in the form of the graph."""
    request = read(
        RunSource="SDK",
        ParameterAssignments={"text": "s"},
        DataPathAssignments={"place": {"DataStoreName": "blobs", "RelativePath": "a b/c"}},
        DataSetDefinitionValueAssignments={"data": {"SavedDataSetReference": {"Id": "guid"}}},
    )

    assert request.parameters == {"text": "s", "place": "datastore://blobs/a b/c", "data": "dataset://id/guid"}
    assert (request.experiment, request.run_source, request.run_type) == ("e", "SDK", "HTTP")


def test_the_rest_of_a_body():
    """Names of fields are taken in any case, and what says nothing is passed over."""
    request = read(
        tags={"n": 1}, description="d", ContinueRunOnStepFailure=True, runType="SDK", ScheduleId=None, Properties={}
    )

    assert (request.tags, request.description, request.continue_on_step_failure) == ({"n": "1"}, "d", True)
    assert (request.run_source, request.run_type) == ("HTTP", "SDK")
    assert read().continue_on_step_failure is None


def test_a_body_says_how_results_are_reused():
    """One of the three words, in any case; nothing means that results are taken."""
    assert read().reuse == read(Reuse=None).reuse == "normal"
    assert (read(Reuse="Off").reuse, read(reuse="REFRESH").reuse) == ("off", "refresh")
    with pytest.raises(UserErrorException, match="Reuse of the body: 'never' is no way to reuse results; say 'normal'"):
        read(Reuse="never")


def test_values_may_be_text():
    """v1's bodies held numbers and truth values as text; what says none is left as it is, to be refused by name."""
    request = read(ParameterAssignments={"whole": "7", "rate": "0.25", "flag": "True", "text": "7", "other": "1"})

    assert request.parameters == {"whole": 7, "rate": 0.25, "flag": True, "text": "7", "other": "1"}
    for odd in ({"whole": "x", "flag": "no"}, {"whole": "1_000"}, {"whole": "٣"}, {"rate": "nan"}, {"rate": "1e999"}):
        assert read(ParameterAssignments=odd).parameters == odd


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"Colour": 1}, "body: unknown field 'Colour'; the fields are ExperimentName, "),
        ({"ExperimentName": ""}, "ExperimentName of the body: it is missing"),
        ({"ExperimentName": 1}, "ExperimentName of the body: 1, expected a text"),
        ({"ParameterAssignments": [1]}, r"ParameterAssignments of the body: \[1\], expected an object"),
        ({"ContinueRunOnStepFailure": "yes"}, "'yes', expected true or false"),
        ({"DataPathAssignments": {"place": "x"}}, "'place' of DataPathAssignments: 'x', expected an object with"),
        ({"DataPathAssignments": {"text": {}}}, "the parameter is of kind 'string'; give its value in ParameterAss"),
        ({"DataSetDefinitionValueAssignments": {"data": {}}}, "'data' of DataSet.*SavedDataSetReference"),
    ],
)
def test_another_shape_is_refused(fields, words):
    """The error names the field, what it holds and what was expected."""
    with pytest.raises(UserErrorException, match=words):
        read(**fields)


def test_labels_become_text():
    """Tags and properties may be numbers, which v1's clients wrote; a list is no label."""
    request = read(tags={"a": 1, "b": True, "c": "x"}, Properties={"p": None})

    assert (request.tags, request.properties) == ({"a": "1", "b": "true", "c": "x"}, {"p": ""})
    with pytest.raises(UserErrorException, match=r"'a' of Tags: \[1\], expected a text"):
        read(Tags={"a": [1]})


def test_a_pipeline_without_parameters_passes_over_assignments():
    """v1 took any name, and official notebooks send some; what has no effect is told by name."""
    body = {"ExperimentName": "e", "ParameterAssignments": {"1": "united", "2": "city"}}

    request = read_request(json.dumps(body).encode(), Graph("p", GRAPH.workspace, ()))

    assert (request.parameters, request.unused) == ({}, ("1", "2"))
    assert read(ParameterAssignments={"text": "x"}).unused == ()


@pytest.mark.parametrize("name", ["ScheduleId", "EnableNotification", "StepTags", "DisplayName"])
def test_what_has_no_meaning_is_refused(name):
    """A field of v1 that would be without effect is never passed over."""
    with pytest.raises(NotSupportedError, match=f"{name} of the body: 'x' is not supported; leave it out"):
        read(**{name: "x"})


@pytest.mark.parametrize("text", [b"", b"{", b"\xff", b"[1]", b'"x"', b"[" * 100_000, b'{"a": NaN}'])
def test_what_is_no_object_is_refused(text):
    """A body that is not JSON, or another value, says what to send."""
    with pytest.raises(UserErrorException, match=r"body: .*object with ExperimentName"):
        read_request(text, GRAPH)
