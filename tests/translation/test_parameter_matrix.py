"""Values of parameters: by REST, by submit and by Airflow's params the same are taken, and the same are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from airflow_ml.core import Experiment, Workspace
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.datapath import DataPath
from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import Graph, Parameter, resolve_parameters
from airflow_ml.pipeline.core import Pipeline, PipelineParameter
from airflow_ml.pipeline.core._values import parameter_values
from airflow_ml.pipeline.steps import PythonScriptStep
from airflow_ml.translation.rest_bodies import read_request
from airflow_ml.translation.rest_runs import start_run

PARAMETERS = (
    Parameter("text", "string", "x"),
    Parameter("nothing", "string", None),
    Parameter("whole", "integer", 1),
    Parameter("rate", "number", 0.5),
    Parameter("flag", "boolean", True),
    Parameter("place", "datapath", "datastore://store/p"),
    Parameter("data", "dataset", "dataset://d@1"),
)


class Case(NamedTuple):
    """A value for a parameter, and what it becomes; a sentence where it is refused."""

    name: str
    value: object
    becomes: object


TAKEN = [
    Case("text", "y", "y"),
    Case("text", "", ""),
    Case("text", None, None),
    Case("text", "żółć 🙂", "żółć 🙂"),
    Case("text", "7", "7"),
    Case("text", "true", "true"),
    Case("text", "--help", "--help"),
    Case("nothing", "something", "something"),
    Case("whole", 7, 7),
    Case("whole", -(10**18), -(10**18)),
    Case("rate", 0.25, 0.25),
    Case("rate", 3, 3.0),
    Case("flag", False, False),
    Case("place", "datastore://store/a b/ü", "datastore://store/a b/ü"),
    Case("data", "dataset://other@2", "dataset://other@2"),
    Case("data", "dataset://other", "dataset://other@latest"),
    Case("data", "dataset://id/0-1", "dataset://id/0-1"),
    Case("data", None, "dataset://d@1"),
    Case("data", "", "dataset://d@1"),
]
REFUSED = [
    Case("text", 7, "parameter 'text': 7 is a int, but its default 'x' asks for"),
    Case("whole", None, "parameter 'whole': None"),
    Case("whole", True, "parameter 'whole': True is a bool"),
    Case("whole", "x", "parameter 'whole': 'x' is a str"),
    Case("whole", "", "parameter 'whole': '' is a str"),
    Case("rate", False, "parameter 'rate': False"),
    Case("rate", "inf", "parameter 'rate': 'inf' is a str"),
    Case("flag", 1, "parameter 'flag': 1 is a int"),
    Case("flag", "yes", "parameter 'flag': 'yes' is a str"),
    Case("place", "p", "'p' is not a datastore path"),
    Case("data", "d:1", "'d:1' is not a dataset"),
    Case("other", 1, "has no parameter 'other'; it declares: data, flag, nothing, place, rate, text, whole"),
]


@pytest.fixture
def graph(home: Path) -> Graph:
    """A graph with a parameter of each kind, for a workspace that is never opened."""
    return Graph("p", Workspace("s", "g", "w").ref, (), parameters=PARAMETERS)


def by_rest(graph: Graph, case: Case) -> object:
    """Return what a value becomes that stands in a body."""
    body = {"ExperimentName": "e", "ParameterAssignments": {case.name: case.value}}
    return resolve_parameters(graph, read_request(json.dumps(body).encode(), graph).parameters)[case.name]


def by_submit(graph: Graph, case: Case) -> object:
    """Return what a value becomes that is given to submit."""
    given = parameter_values(graph, {case.name: case.value}, Workspace.from_ref(graph.workspace))
    return resolve_parameters(graph, given)[case.name]


@pytest.mark.parametrize("case", TAKEN, ids=lambda case: f"{case.name}={case.value!r}")
def test_values_that_are_taken(graph: Graph, case: Case) -> None:
    """Each becomes the same, of the same type, whichever way it comes."""
    for take in (by_rest, by_submit):
        found = take(graph, case)
        assert (type(found), found) == (type(case.becomes), case.becomes)


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: f"{case.name}={case.value!r}")
def test_values_that_are_refused(graph: Graph, case: Case) -> None:
    """Each is refused by the same sentence, which names the parameter."""
    for take in (by_rest, by_submit):
        with pytest.raises(UserErrorException) as caught:
            take(graph, case)
        assert str(case.becomes) in str(caught.value)


@pytest.mark.airflow
@pytest.mark.parametrize("case", [*TAKEN, *REFUSED], ids=lambda case: f"{case.name}={case.value!r}")
def test_airflow_takes_what_submit_takes(graph: Graph, case: Case) -> None:
    """The param of a parameter allows its default and the values that submit takes, and no others that Airflow sees."""
    from airflow.sdk.exceptions import ParamValidationError

    from airflow_ml.translation.params import make_params

    params = make_params(graph.parameters)
    if case in TAKEN:
        assert params[case.name].resolve(case.value) == case.value
    elif case.name in params:
        with pytest.raises(ParamValidationError):
            params[case.name].resolve(case.value)


def test_text_of_a_body_may_say_a_number(graph: Graph) -> None:
    """v1's bodies held all values as text; submit takes values as they are (v1)."""
    for name, text, value in (("whole", "7", 7), ("rate", "7", 7.0), ("rate", "1e-3", 0.001), ("flag", "False", False)):
        found = by_rest(graph, Case(name, text, None))
        assert (type(found), found) == (type(value), value)
        with pytest.raises(UserErrorException, match=f"parameter '{name}': '{text}' is a str"):
            by_submit(graph, Case(name, text, None))


def test_data_has_forms_of_its_own(graph: Graph) -> None:
    """Objects that submit takes, and v1's assignments of data in a body, are the texts that a form has."""
    workspace = Workspace.from_ref(graph.workspace)
    path = DataPath(AzureBlobDatastore(workspace, "store", None, None), "a/b")
    body = {
        "ExperimentName": "e",
        "DataPathAssignments": {"place": {"DataStoreName": "store", "RelativePath": "a/b"}},
        "DataSetDefinitionValueAssignments": {"data": {"DataSetReference": {"Name": "other", "Version": 2}}},
    }
    saved = {"DataSetDefinitionValueAssignments": {"data": {"SavedDataSetReference": {"Id": "0-1"}}}}

    assert by_submit(graph, Case("place", path, None)) == "datastore://store/a/b"
    found = read_request(json.dumps(body).encode(), graph).parameters
    assert found == {"place": "datastore://store/a/b", "data": "dataset://other@2"}
    assert read_request(json.dumps({**body, **saved}).encode(), graph).parameters["data"] == "dataset://id/0-1"
    with pytest.raises(UserErrorException, match="is not a dataset"):
        read_request(json.dumps(body).replace('"Version": 2', '"Version": "x"').encode(), graph)


@pytest.mark.airflow
def test_the_script_gets_the_same_by_rest_and_by_submit(project: Path) -> None:
    """Values reach the script as text, and the second run takes the first one's result, because nothing differs."""
    workspace = Workspace.create("w", subscription_id="s", resource_group="g", show_output=False)
    Path("src").mkdir()
    Path("src", "show.py").write_text("import json, sys; print('got', json.dumps(sys.argv[1:]))")
    values = {"text": "7", "empty": "", "odd": "żółć", "whole": -3, "rate": 0.1, "flag": False}
    defaults = {"text": "a", "empty": "b", "odd": "c", "whole": 1, "rate": 0.5, "flag": True}
    arguments = [PipelineParameter(name, default) for name, default in defaults.items()]
    step = PythonScriptStep("show.py", "show", arguments, source_directory="src")
    published = Pipeline(workspace, [step]).publish("p")

    body = {"ExperimentName": "e", "ParameterAssignments": values}
    run_id = str(start_run(workspace.ref, published.id, json.dumps(body).encode())["Id"])
    first = next(run for run in Experiment(workspace, "e").get_runs() if run.id == run_id)
    assert first.wait_for_completion(show_output=False) == "Finished"
    second = Experiment(workspace, "e").submit(published, pipeline_parameters=values)
    assert second.wait_for_completion(show_output=False) == "Finished"

    [shown] = first.get_steps()
    assert f"got {json.dumps(['7', '', 'żółć', '-3', '0.1', 'False'])}" in shown.get_stdout_log()
    assert [one.properties["azureml.isreused"] for one in second.get_steps()] == ["true"]
