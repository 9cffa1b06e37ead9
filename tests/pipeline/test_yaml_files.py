"""Pipelines from YAML files (`Pipeline.load_yaml`): v1's form, and graphs that were saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.core import Workspace
from airflow_ml.graph import DataReferenceSource, InputRef, OutputRef, ParameterRef, ParameterSource, StepOutputSource
from airflow_ml.pipeline.core import Pipeline, _graph_yaml
from airflow_ml.pipeline.steps import PythonScriptStep

MakeStep = Callable[..., PythonScriptStep]

TWO_STEPS = """
pipeline:
  description: two steps
  parameters:
    rounds: {type: int, default: 40}
    place: {type: datapath, default: {datastore: workspaceblobstore, path_on_datastore: a.txt}}
  data_references:
    raw: {datastore: workspaceblobstore, path_on_datastore: raw/}
  steps:
    train:
      type: PythonScriptStep
      script_name: run.py
      source_directory: src
      arguments: ["--input", "input:made", 5, "parameter:ROUNDS"]
      parameters: {ROUNDS: {source: rounds}, OTHER: 10}
      inputs:
        made: {source: prepared, bind_mode: download}
        chosen: {source: place}
    prepare:
      type: PythonScriptStep
      name: Prepare it
      script_name: run.py
      source_directory: src
      allow_reuse: false
      version: "2"
      arguments: ["output:result", "input:data"]
      inputs: {data: {source: raw}}
      outputs: {result: {destination: prepared, datastore: workspaceblobstore, bind_mode: upload}}
"""


@pytest.fixture
def real_workspace() -> Workspace:
    """A workspace that exists."""
    return Workspace.create("ml", show_output=False)


@pytest.fixture
def load(real_workspace: Workspace, folder: Path) -> Callable[[str], Pipeline]:
    """Write a file and load it."""

    def write_and_load(text: str) -> Pipeline:
        (folder / "pipeline.yml").write_text(text)
        return Pipeline.load_yaml(real_workspace, "pipeline.yml")

    return write_and_load


def test_a_v1_file_is_a_pipeline(load: Callable[[str], Pipeline]) -> None:
    """Steps, data between them, parameters and references mean what they mean in Python."""
    graph = load(TWO_STEPS).graph

    assert graph.description == "two steps"
    assert {parameter.name: parameter.default for parameter in graph.parameters} == {
        "rounds": 40,
        "place": "datastore://workspaceblobstore/a.txt",
    }
    prepare, train = graph.steps
    assert (prepare.name, prepare.allow_reuse, prepare.version) == ("Prepare it", False, "2")
    assert prepare.input("data").source == DataReferenceSource("workspaceblobstore", "raw/")
    assert (prepare.output("result").mode, prepare.output("result").datastore) == ("upload", "workspaceblobstore")
    assert prepare.arguments == ((OutputRef("result"),), (InputRef("data"),))
    assert train.input("made").source == StepOutputSource("Prepare_it", "result")
    assert train.input("made").mode == "download"
    assert train.input("place").source == ParameterSource("place")
    assert train.arguments == (("--input",), (InputRef("made"),), ("5",), (ParameterRef("rounds"),))
    assert train.params == {"ROUNDS": (ParameterRef("rounds"),), "OTHER": ("10",)}


def test_a_saved_graph_is_a_pipeline_again(load: Callable[[str], Pipeline], workspace: Workspace, folder: Path) -> None:
    """What a run saves is read back as the same graph, for the workspace that reads it."""
    graph = load(TWO_STEPS).graph
    _graph_yaml.save(graph, str(folder / "saved.yml"))

    again = Pipeline.load_yaml(workspace, str(folder / "saved.yml"))

    assert again.graph.steps == graph.steps
    assert again.graph.workspace == workspace.ref
    assert again.validate() == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- a", "has no section 'pipeline'"),
        ("pipeline: {steps: {}}", "has no steps"),
        ("pipeline: {steps: {a: {type: PythonScriptStep, other: 1}}}", "step 'a': unknown key 'other'"),
        ("pipeline: {parameters: {p: {type: list}}}", "parameter 'p' has the type 'list'"),
        ("pipeline: {data_references: {r: {}}}", "data reference 'r' names no data"),
        ("pipeline: {steps: {a: {outputs: {o: {}}}}}", "output 'o' has no destination"),
        ("pipeline: {steps: {a: {type: PythonScriptStep, inputs: {i: {}}}}}", "input 'i' has no source"),
        ("pipeline: {steps: {a: {type: PythonScriptStep, inputs: {i: {source: x}}}}}", "nothing is named 'x'"),
        ("pipeline: {steps: {a: {type: PythonScriptStep, parameters: {p: {source: x}}}}}", "parameter 'x'"),
        ("pipeline: [", "cannot be read"),
    ],
)
def test_other_files_are_refused(load: Callable[[str], Pipeline], text: str, words: str) -> None:
    """What cannot be read raises ValueError and names the file and the place in it."""
    with pytest.raises(ValueError, match=words) as caught:
        load(text)
    assert "pipeline file 'pipeline.yml'" in str(caught.value)


def test_other_types_of_steps_are_refused(load: Callable[[str], Pipeline]) -> None:
    """Modules and the other types of v1's files are not there yet."""
    for section in ("{type: ModuleStep, name: m}", "{module: {name: m}}"):
        with pytest.raises(NotImplementedError, match="only steps of type 'PythonScriptStep'"):
            load(f"pipeline: {{steps: {{a: {section}}}}}")
