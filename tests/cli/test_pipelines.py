"""What the words of a command line mean: pipelines, values of parameters, ways to reuse results."""

import argparse
import json
from pathlib import Path

import pytest

from airflow_ml.cli._pipelines import find_pipelines, mode_of, parameters_of, values_of
from airflow_ml.cli._scripts import FoundPipeline
from airflow_ml.core import Workspace
from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import Graph, Parameter, Step, WorkspaceRef, to_json
from airflow_ml.registry import Home
from airflow_ml.translation.service_files import ServiceFiles
from airflow_ml.translation.stub_files import write_stub

GRAPH = Graph("p", WorkspaceRef("ml"), (Step("train", "train", "python_script", script="run.py"),))


def find(target: str, *, pipeline: str | None = None, workspace: str | None = None) -> list[FoundPipeline]:
    """Find the pipelines of a target."""
    given = {"target": target, "script_arguments": [], "pipeline": pipeline, "workspace": workspace}
    return find_pipelines(argparse.Namespace(**given))


def test_a_graph_as_json_is_a_pipeline(folder: Path):
    """A file that `to_json` has written is read as it is."""
    Path("graph.json").write_text(to_json(GRAPH))

    assert [(found.name, found.graph) for found in find("graph.json")] == [("p", GRAPH)]


@pytest.mark.parametrize("text", ["{", "[]", '{"version": 99}'])
def test_a_file_that_holds_no_graph_is_named(folder: Path, text: str):
    """What is wrong with a JSON file is said with its name."""
    Path("graph.json").write_text(text)

    with pytest.raises(UserErrorException, match=r"graph\.json"):
        find("graph.json")


def test_the_id_of_a_dag_is_its_pipelines_as_they_ran_last(folder: Path):
    """A DAG with two task groups has two pipelines; each is the one that ran last."""
    runs = Workspace.get("ml").registry().runs
    newer = Graph("newer", GRAPH.workspace, GRAPH.steps)
    for number, (group, graph) in enumerate([("", GRAPH), ("", newer), ("group", GRAPH)]):
        runs.open_pipeline("e", "p", dag_id="digits", dag_run_id=str(number), group_id=group, graph_json=to_json(graph))

    assert {found.name: found.graph.name for found in find("digits")} == {"digits": "newer", "group": "p"}


def test_a_submitted_pipeline_is_found_before_its_first_run(folder: Path):
    """What lies in the folder of the local service is known by the DAG's id."""
    write_stub(ServiceFiles.of(Home.default()).dags, GRAPH, "first-1234", experiment="first")

    assert [found.graph for found in find("first-1234")] == [GRAPH]


def test_a_published_pipeline_is_found_by_id_and_name(folder: Path):
    """Of several of one name it is the one that was published last."""
    published = Workspace.get("ml").registry().published_pipelines
    published.add("weekly", graph_json=to_json(GRAPH), steps=1)
    newest = published.add("weekly", graph_json=to_json(GRAPH), steps=1, continue_on_step_failure=True)

    by_name, by_id = find("weekly")[0], find(newest.id)[0]

    assert by_name == by_id
    assert (by_name.published_id, by_name.submission["continue_on_step_failure"]) == (newest.id, True)


def test_a_module_below_the_current_folder_is_found(script):
    """A name that is nothing else is a module."""
    script("our_pipelines.py", "")

    assert [found.name for found in find("our_pipelines")] == ["pipeline"]


def test_one_of_several_pipelines_is_chosen_by_its_name(script):
    """`--pipeline` takes one; a name that is not there is answered with those that are."""
    script("two.py", "other = Pipeline(workspace, [prepare])\n")

    assert [found.name for found in find("two.py", pipeline="other")] == ["other"]
    with pytest.raises(UserErrorException, match="no pipeline 'third'; it has: 'pipeline', 'other'"):
        find("two.py", pipeline="third")


@pytest.mark.parametrize("target", ["nothing", "nothing.py", "a/b", "nothing.json", "not a module"])
def test_what_is_nothing_is_said_to_be_nothing(folder: Path, target: str):
    """A target that cannot be found is named."""
    with pytest.raises(UserErrorException, match=target):
        find(target)


def test_a_notebook_is_told_how_to_become_a_script(folder: Path):
    """Cells are run by a kernel, not by us."""
    Path("a.ipynb").write_text(json.dumps({"cells": []}))

    with pytest.raises(UserErrorException, match="nbconvert"):
        find("a.ipynb")


PARAMETERS = Graph(
    "p",
    WorkspaceRef("ml"),
    (),
    (
        Parameter("text", "string", "a"),
        Parameter("count", "integer", 1),
        Parameter("rate", "number", 0.5),
        Parameter("flag", "boolean", False),
        Parameter("place", "datapath", "datastore://blobs/raw"),
    ),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("text=b=c", "b=c"),
        ("text=", ""),
        ("count=7", 7),
        ("rate=1", 1.0),
        ("rate=1e-3", 0.001),
        ("flag=True", True),
        ("flag=no", False),
        ("place=datastore://blobs/new", "datastore://blobs/new"),
    ],
)
def test_values_have_the_kind_of_their_declaration(text: str, value: object):
    """Text of the command line becomes what the parameter's default is."""
    assert values_of(PARAMETERS, [text]) == {text.partition("=")[0]: value}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("count=x", "'count'.*'x'.*whole number"),
        ("flag=perhaps", "'flag'.*true or false"),
        ("cuont=7", "no parameter 'cuont'; it declares: count, flag, place, rate, text"),
        ("count", "expected NAME=VALUE"),
    ],
)
def test_values_that_cannot_be_are_refused(text: str, words: str):
    """A wrong kind names parameter and kind, a wrong name lists those that there are."""
    with pytest.raises(UserErrorException, match=words):
        values_of(PARAMETERS, [text])


def test_the_command_line_is_stronger_than_the_script():
    """What a script submits holds unless the command line says something else."""
    said = FoundPipeline("p", PARAMETERS, {"parameters": {"count": 2, "text": "b"}, "reuse": "refresh"})

    assert parameters_of(said, ["count=3"]) == {"count": 3, "text": "b"}
    assert [mode_of(said, None), mode_of(said, "off")] == ["refresh", "off"]
    assert mode_of(FoundPipeline("p", PARAMETERS), None) == "normal"
