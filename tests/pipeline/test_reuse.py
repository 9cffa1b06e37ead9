"""What steps and pipelines say about reuse, and what the graph has of it."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from airflow_ml.core import Environment, Workspace
from airflow_ml.core.runconfig import RunConfiguration
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.datapath import DataPath, DataPathComputeBinding
from airflow_ml.data.file_dataset import FileDataset
from airflow_ml.exceptions import GraphError, UserErrorException
from airflow_ml.graph import ReusePolicy as PlainPolicy
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter, ReusePolicy
from airflow_ml.pipeline.steps import PythonScriptStep

MakeStep = Callable[..., PythonScriptStep]


def test_policies_of_step_and_pipeline(workspace: Workspace, step: MakeStep) -> None:
    """Both say their own, and what nobody says is left open in the graph."""
    made = step("a", reuse_policy=ReusePolicy("definition", max_age=timedelta(hours=1)))

    graph = Pipeline(workspace, [made, step("b")], reuse_policy=ReusePolicy(verify="content")).graph

    assert graph.reuse == PlainPolicy(verify="content")
    assert [node.reuse for node in graph.steps] == [PlainPolicy("definition", 3600.0), PlainPolicy()]


@pytest.mark.parametrize("policy", ["content", {"inputs": "content"}, PlainPolicy()])
def test_other_policies_are_refused(workspace: Workspace, step: MakeStep, policy: object) -> None:
    """A step and a pipeline take a ReusePolicy, and say who was given something else."""
    with pytest.raises(UserErrorException, match=r"step 'a': reuse_policy .* is no ReusePolicy"):
        step("a", reuse_policy=policy)
    with pytest.raises(UserErrorException, match=r"Pipeline: reuse_policy .* is no ReusePolicy"):
        Pipeline(workspace, step("a"), reuse_policy=policy)  # type: ignore[arg-type]  # what is tested


def test_a_step_that_says_nothing_is_as_before(workspace: Workspace, step: MakeStep) -> None:
    """Empty extras are none."""
    extras = {"reuse_policy": None, "ignore_in_fingerprint": [], "normalise_outputs": {}, "hash_paths": None}

    assert Pipeline(workspace, step("a", **extras)).graph == Pipeline(workspace, step("a")).graph


@pytest.fixture
def rich(workspace: Workspace, store: AzureBlobDatastore, dataset: FileDataset, step: MakeStep) -> Callable:
    """Return what builds a step with something of each kind, and gives what its graph says is ignored."""

    def build(*ignored: str) -> tuple[str, ...]:
        environment = Environment("e")
        environment.environment_variables = {"DEFINED": "1"}
        configuration = RunConfiguration()
        configuration.environment_variables = {"SET": "1"}
        configuration.environment = environment
        place = PipelineParameter("place", DataPath(store, "p"))
        made = step(
            "a",
            arguments=["--lr", PipelineParameter("lr", 0.1), dataset.as_named_input("raw").as_mount()],
            inputs=[(place, DataPathComputeBinding())],
            params={"rate": 1, "by": PipelineParameter("hidden", 2)},
            runconfig=configuration,
            runconfig_pipeline_params={"NodeCount": PipelineParameter("nodes", 1)},
            ignore_in_fingerprint=ignored,
        )
        return Pipeline(workspace, made).graph.step("a").ignore_in_fingerprint

    return build


@pytest.mark.parametrize(
    ("name", "entries"),
    [
        ("raw", ("input:raw",)),
        ("place", ("parameter:place", "input:place")),
        ("lr", ("parameter:lr", "variable:lr")),
        ("nodes", ("parameter:nodes",)),
        ("hidden", ("parameter:hidden",)),
        ("rate", ("variable:rate",)),
        ("SET", ("variable:SET",)),
        ("DEFINED", ("variable:DEFINED",)),
        ("parameter:place", ("parameter:place",)),
        ("source:*.md", ("source:*.md",)),
    ],
)
def test_names_are_found_among_what_the_step_has(rich: Callable, name: str, entries: tuple[str, ...]) -> None:
    """A bare name is everything of the step that is called so; a kind before it means that alone."""
    assert rich(name) == entries


def test_ignored_names_are_listed_once(rich: Callable) -> None:
    """Saying a thing twice, in whatever form, changes nothing."""
    assert rich("raw", "input:raw", "rate") == ("input:raw", "variable:rate")


@pytest.mark.parametrize("name", ["Raw", "input:lr", "output:raw", "source:", "", "variable"])
def test_names_of_nothing_are_refused(rich: Callable, name: str) -> None:
    """A name that means nothing would be passed over; the error lists what there is."""
    with pytest.raises(GraphError) as caught:
        rich("raw", name)

    text = str(caught.value)
    assert text.startswith("step 'a': ignore_in_fingerprint ")
    if name:
        assert "parameters 'lr', 'hidden', 'nodes', 'place'; inputs " in text


def test_normalisers_are_noted_at_outputs(workspace: Workspace, step: MakeStep) -> None:
    """By the name that the output has in the run, whether it was listed or stands in the arguments."""
    data = PipelineData("d", output_name="table")

    made = step("a", arguments=[data, PipelineData("e")], normalise_outputs={"table": "no_times"}, outputs=[data])
    outputs = Pipeline(workspace, made).graph.step("a").outputs

    assert {port.name: port.normaliser for port in outputs} == {"table": "no_times", "e": None}


def test_normalisers_of_nothing_are_refused(workspace: Workspace, step: MakeStep) -> None:
    """The error lists the outputs, and a normaliser is named by a text."""
    made = step("a", outputs=[PipelineData("d", output_name="table")], normalise_outputs={"d": "no_times"})
    with pytest.raises(GraphError, match="step 'a': normalise_outputs names 'd'; the outputs are 'table'"):
        Pipeline(workspace, made)
    with pytest.raises(GraphError, match=r"normalise_outputs\['d'\] is None, expected the name of a normaliser"):
        step("a", normalise_outputs={"d": None})


def test_hash_paths_are_content_too(workspace: Workspace, step: MakeStep) -> None:
    """What lies outside of the source directory is taken into the graph without a warning, and need not be a list."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        steps = [step("a", hash_paths=["../library", Path("/data/words.txt")]), step("b", hash_paths="../library")]

    nodes = Pipeline(workspace, steps).graph.steps

    assert [node.hash_paths for node in nodes] == [("../library", "/data/words.txt"), ("../library",)]


@pytest.mark.parametrize("path", ["missing.ipynb", "run.py", ".", "a/../run.py"])
def test_hash_paths_inside_of_the_folder_warn(workspace: Workspace, step: MakeStep, path: str) -> None:
    """They are taken as v1 takes them, with one warning at the line that made the step: the whole folder counts."""
    with pytest.warns(DeprecationWarning, match=r"step 'a': hash_paths names .* whole source directory") as found:
        made = PythonScriptStep("run.py", "a", source_directory="src", hash_paths=[path, "run.py"])

    assert [warning.filename for warning in found] == [__file__]
    assert Pipeline(workspace, made).graph.step("a").hash_paths == (path, "run.py")


@pytest.mark.parametrize(("given", "meant"), [(True, True), (False, False), (None, False), (1, True), (0, False)])
def test_allow_reuse(workspace: Workspace, step: MakeStep, given: object, meant: bool) -> None:
    """Truth values are taken, also in v1's loose forms."""
    assert Pipeline(workspace, step("a", allow_reuse=given)).graph.step("a").allow_reuse is meant


@pytest.mark.parametrize("given", ["False", "", 2, PipelineParameter("p", False)])
def test_allow_reuse_is_no_text(step: MakeStep, given: object) -> None:
    """v1 took the text 'False' for True, and reused; here it is refused."""
    with pytest.raises(GraphError, match=r"step 'a': allow_reuse is .*, expected True or False"):
        step("a", allow_reuse=given)


SCRIPT = """
from airflow_ml.core import Workspace
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.file_dataset import FileDataset
from airflow_ml.graph import to_json
from airflow_ml.pipeline.core import Pipeline, PipelineData
from airflow_ml.pipeline.steps import PythonScriptStep

ws = Workspace("s", "g", "w")
store = AzureBlobDatastore(ws, "store", None, None)
dataset = FileDataset._create({"kind": "file", "sources": [{"datastore": "store", "path": "raw/"}]}, ws)
first, second, data = OutputFileDatasetConfig(), OutputFileDatasetConfig(), PipelineData("data")
reference = DataReference(store)
unnamed = [OutputFileDatasetConfig(destination=(store, "{run-id}")), first, data]
steps = [
    PythonScriptStep("run.py", "a", ["--out", *unnamed, store.path("p")], inputs=[store.path("p")], outputs=[data],
                     source_directory="src"),
    PythonScriptStep("run.py", "b", [first.as_input(), data.as_download(), reference, second],
                     inputs=[reference, data.as_download()], source_directory="src"),
    PythonScriptStep("run.py", "c", [second.as_input(), dataset.as_mount()], source_directory="src"),
]
print(to_json(Pipeline(ws, steps).graph))
"""


def test_builds_in_two_processes_are_equal(folder: Path) -> None:
    """Names that nobody gave are the same in every process, with whatever seed of hashes: v1's were random."""
    texts = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT], env={"PYTHONHASHSEED": seed}, cwd=folder, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    ]

    assert texts[0] == texts[1]
    assert texts[0].count(b'"name": "output_') == 3
