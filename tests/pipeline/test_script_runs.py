"""From a ScriptRunConfig to the graph of its script."""

from __future__ import annotations

from pathlib import Path

import pytest

from airflow_ml.core import Dataset, Environment, RunConfiguration, ScriptRunConfig, Workspace
from airflow_ml.core.runconfig import Data, DataReferenceConfiguration, MpiConfiguration
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.file_dataset import FileDataset
from airflow_ml.exceptions import ExperimentExecutionException, NotSupportedError, UserErrorException
from airflow_ml.graph import DataReferenceSource, Graph, InputRef, OutputRef, from_json, to_json
from airflow_ml.pipeline._script_runs import script_graph


def graph_of(workspace: Workspace, *arguments: object, **options: object) -> Graph:
    """Return the graph of a configuration of `src`, as it comes back from JSON."""
    graph = script_graph(ScriptRunConfig("src", *arguments, **options), workspace)
    assert from_json(to_json(graph)) == graph
    return graph


def test_a_script_is_a_graph_of_one_step(workspace: Workspace, folder: Path) -> None:
    """Script, arguments, environment, target and settings are the step's; the graph says that it is a script run."""
    environment = Environment.from_pip_requirements("mine", str(_requirements(folder)))
    graph = graph_of(workspace, "run.py", ["--a", 1, True], environment=environment, compute_target="c1")

    [step] = graph.steps
    assert graph.is_script_run
    assert graph.title(step) == "script run 'run.py'"
    assert (step.kind, step.script, step.name, step.compute) == ("python_script", "run.py", "run.py", "c1")
    assert step.arguments == (("--a",), ("1",), ("True",))
    assert step.environment is not None
    assert step.environment["name"] == "mine"
    assert step.run_settings["max_run_duration_seconds"] == 2592000


def _requirements(folder: Path) -> Path:
    place = folder / "requirements.txt"
    place.write_text("numpy\n", encoding="utf-8")
    return place


def test_what_changed_after_the_constructor_counts(workspace: Workspace) -> None:
    """The configuration is read at submit: notebooks set target and environment variables afterwards."""
    config = ScriptRunConfig("src")
    config.script, config.arguments = "run.py", ["x"]
    config.run_config.target = "c2"
    config.run_config.environment_variables = {"A": "b"}

    [step] = script_graph(config, workspace).steps

    assert (step.script, step.arguments, step.compute) == ("run.py", (("x",),), "c2")
    assert step.environment_variables == {"A": "b"}


def test_data_in_the_arguments_are_inputs_and_outputs(
    workspace: Workspace, store: AzureBlobDatastore, dataset: FileDataset
) -> None:
    """Datasets, references and output configurations need to stand in the arguments only; nothing given is changed."""
    reference = DataReference(store, "ref", "folder")
    mounted = dataset.as_named_input("raw").as_mount()
    arguments = [mounted, dataset.as_named_input("table"), reference, OutputFileDatasetConfig("out")]
    given = list(arguments)

    [step] = graph_of(workspace, "run.py", arguments).steps

    assert step.arguments == ((InputRef("raw"),), (InputRef("table"),), (InputRef("ref"),), (OutputRef("out"),))
    assert {port.name: port.mode for port in step.inputs} == {"ref": "mount", "raw": "mount", "table": "direct"}
    assert [port.kind for port in step.outputs] == ["file_dataset"]
    assert arguments == given


def test_data_in_the_run_configuration_are_too(
    workspace: Workspace, store: AzureBlobDatastore, dataset: FileDataset
) -> None:
    """v1's older places, `data`, `data_references` and `output_data`, work under their keys."""
    config = RunConfiguration()
    config.data = {"raw": dataset.as_named_input("other").as_download()}
    config.data_references = {"ref": DataReference(store, "x", "folder")}
    config.output_data = {"out": OutputFileDatasetConfig("out")}

    [step] = graph_of(workspace, "run.py", run_config=config).steps

    assert {port.name: port.mode for port in step.inputs} == {"raw": "download", "ref": "mount"}
    assert [port.name for port in step.outputs] == ["out"]
    config.data = {"raw": 3}
    with pytest.raises(UserErrorException, match=r"data\['raw'\] is a int, expected a dataset"):
        graph_of(workspace, "run.py", run_config=config)


def test_a_command_as_text_is_for_a_shell(workspace: Workspace) -> None:
    """The text is kept whole, with its blanks, pipes and variables."""
    [step] = graph_of(workspace, command="python run.py --x 'a b' && echo $HOME").steps

    assert (step.kind, step.name, step.script, step.arguments) == ("command", "python", None, ())
    assert step.settings["command_line"] == "python run.py --x 'a b' && echo $HOME"


def test_a_command_as_list_is_an_argv(workspace: Workspace, dataset: FileDataset) -> None:
    """The first item is split, each other one is one argument; data may be among them."""
    data = dataset.as_named_input("raw").as_mount()

    [step] = graph_of(workspace, command=["python run.py '--x y'", "a b", data, 3]).steps

    assert step.arguments == (("python",), ("run.py",), ("--x y",), ("a b",), (InputRef("raw"),), ("3",))
    assert not step.settings


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "script is None and command None; give one of them"),
        ({"script": "run.py", "command": "ls"}, "script is 'run.py' and command 'ls'; give one of them"),
        ({"command": "ls", "arguments": ["-l"]}, r"command 'ls' and arguments \['-l'\] are given"),
        ({"command": ["ls '-l"]}, r"command \"ls '-l\" cannot be split: No closing quotation"),
        ({"script": "run.py", "arguments": "-l"}, "arguments is the text '-l'; give a list"),
    ],
)
def test_script_or_command_is_needed(workspace: Workspace, options: dict, words: str) -> None:
    """Neither, both, arguments beside a command, or what cannot be taken apart are errors of the submit."""
    with pytest.raises(UserErrorException, match=words):
        graph_of(workspace, **options)


def test_entries_of_a_file_mean_the_same(home: Path, folder: Path) -> None:
    """What a run configuration's file has, ids and names of datasets and datastores, becomes the same inputs."""
    workspace = Workspace.create("w", show_output=False)
    store = workspace.get_default_datastore()
    saved = Dataset.File.from_files((store, "a.csv")).register(workspace, "mine")
    config = RunConfiguration()
    config.data = {"raw": Data.create(saved.as_named_input("raw").as_mount())}
    config.data_references = {"ref": DataReferenceConfiguration(store.name, "download", "folder")}

    [step] = graph_of(workspace, "run.py", run_config=config).steps

    raw, ref = step.inputs
    assert (raw.name, raw.mode, raw.source) == ("raw", "mount", saved.source)
    assert (ref.name, ref.mode, ref.source) == ("ref", "download", DataReferenceSource(store.name, "folder"))
    config.data_references = {"ref": DataReferenceConfiguration()}
    with pytest.raises(UserErrorException, match=r"data_references\['ref'\] names no datastore"):
        graph_of(workspace, "run.py", run_config=config)


def test_a_missing_script_names_the_path(workspace: Workspace) -> None:
    """A missing script or folder raises v1's ExperimentExecutionException with the place that was looked at."""
    with pytest.raises(ExperimentExecutionException, match=r"script run 'no.py': script not found at '/.*/src/no.py'"):
        graph_of(workspace, "no.py")
    with pytest.raises(ExperimentExecutionException, match=r"source directory '/.*/nowhere' does not exist"):
        script_graph(ScriptRunConfig("nowhere", "a.py"), workspace)


def test_parts_without_meaning_are_refused(workspace: Workspace) -> None:
    """What v1 hands to services that do not exist here is refused as it is for steps."""
    config = RunConfiguration()
    config.spark.configuration["x"] = "y"

    with pytest.raises(NotSupportedError, match="spark was changed"):
        graph_of(workspace, "run.py", run_config=config)


def test_a_distributed_job_is_recorded(workspace: Workspace) -> None:
    """Nodes and communicator reach the graph, where opening the run refuses them in the words for steps."""
    [step] = graph_of(workspace, "run.py", distributed_job_config=MpiConfiguration(node_count=2)).steps

    assert (step.run_settings["node_count"], step.run_settings["communicator"]) == (2, "IntelMpi")
