"""The pipeline object: arguments, compute targets, starting runs, size."""

from __future__ import annotations

import copy
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.core import Experiment, Workspace
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.data.file_dataset import FileDataset
from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.graph import from_json, to_json
from airflow_ml.pipeline import core
from airflow_ml.pipeline.core import Pipeline, PipelineData, PipelineParameter
from airflow_ml.pipeline.core._values import parameter_values
from airflow_ml.pipeline.core.pipeline import _save_datasets
from airflow_ml.pipeline.steps import PythonScriptStep

MakeStep = Callable[..., PythonScriptStep]


@pytest.fixture
def real_workspace() -> Workspace:
    """A workspace that exists."""
    return Workspace.create("ml", show_output=False)


def test_every_public_name_is_there() -> None:
    """The package offers what it lists, imported at the first use."""
    for name in core.__all__:
        assert getattr(core, name).__name__ == name
    assert set(core.__all__) <= set(dir(core))


def test_building_opens_nothing(
    workspace: Workspace, store: AzureBlobDatastore, step: MakeStep, tmp_path: Path
) -> None:
    """A pipeline that names no compute target is built without a registry."""
    pipeline = Pipeline(workspace, step("a"), "what it does", default_datastore=store)

    assert (pipeline.graph.name, pipeline.graph.description) == ("what it does", "what it does")
    assert pipeline.graph.default_datastore == "store"
    assert pipeline.workspace is workspace
    assert not (tmp_path / "home").exists()


def test_unknown_arguments_are_refused(workspace: Workspace, step: MakeStep) -> None:
    """v1's one optional argument is taken; any other raises ValueError."""
    Pipeline(workspace, step("a"), enable_email_notification=True)
    with pytest.raises(ValueError, match="unknown argument 'timeout'"):
        Pipeline(workspace, step("a"), timeout=5)


def test_graphs_survive_as_text(workspace: Workspace, step: MakeStep, dataset: FileDataset) -> None:
    """What a pipeline builds is plain data: JSON and back is the same graph."""
    data = PipelineData("d")
    steps = [step("a", outputs=[data], inputs=[dataset.as_named_input("i")]), step("b", arguments=[data, 5])]
    graph = Pipeline(workspace, steps).graph

    assert from_json(to_json(graph)) == graph


@pytest.mark.parametrize("shape", ["chain", "fan", "diamonds"])
def test_two_hundred_steps_build_in_a_blink(workspace: Workspace, step: MakeStep, shape: str) -> None:
    """A large pipeline takes well under a second of processor time."""
    started = time.process_time()
    data = [PipelineData("d0")]
    steps = [step("s0", outputs=data)]
    for number in range(1, 200):
        read = {"chain": data[-1:], "fan": data[:1], "diamonds": data[-2:]}[shape]
        written = PipelineData(f"d{number}")
        steps.append(step(f"s{number}", inputs=read, arguments=[*read, written], outputs=[written]))
        data.append(written)

    graph = Pipeline(workspace, steps[-1] if shape != "fan" else steps).graph

    assert len(graph.steps) == 200
    assert [node.id for node in graph.steps][:2] == ["s0", "s1"]
    assert time.process_time() - started < 0.5


def test_unknown_target_raises_in_the_pipeline(real_workspace: Workspace, step: MakeStep) -> None:
    """A name is looked up while building, as in v1; the error names step and target."""
    made = step("a", compute_target="cluster")

    with pytest.raises(ValueError, match="step 'a': compute target 'cluster' is not in workspace 'ml'"):
        Pipeline(real_workspace, made)


def test_targets_are_objects_names_and_pairs(real_workspace: Workspace, step: MakeStep) -> None:
    """A target that exists may be given in every form of v1."""
    provisioning = AmlCompute.provisioning_configuration(vm_size="STANDARD_D2_V2", max_nodes=1)
    target = ComputeTarget.create(real_workspace, "cpu", provisioning)
    steps = [step("a", compute_target=given) for given in (target, "cpu", ("cpu", "AmlCompute"))]

    assert [node.compute for node in Pipeline(real_workspace, steps).graph.steps] == ["cpu", "cpu", "cpu"]


def test_experiment_of_another_workspace_is_refused(workspace: Workspace, step: MakeStep) -> None:
    """A pipeline runs in the workspace that it was built for."""
    other = Experiment(Workspace("s", "g", "other"), "e")

    with pytest.raises(UserErrorException, match=r"'e' is of workspace 'other', the pipeline of 'ml'"):
        other.submit(Pipeline(workspace, step("a")))


def test_unknown_arguments_of_submit_are_refused(workspace: Workspace, step: MakeStep) -> None:
    """What has no effect is an error, not silence."""
    with pytest.raises(NotSupportedError, match="parent_run_id='x' is not supported"):
        Pipeline(workspace, step("a")).submit("e", parent_run_id="x")
    with pytest.raises(ValueError, match="unknown argument 'other'"):
        Pipeline(workspace, step("a")).submit("e", other=1)


def test_the_private_name_of_templates_is_there(workspace: Workspace, step: MakeStep) -> None:
    """Public templates name v1's `_set_experiment_name`; submit says the experiment, so it changes nothing."""
    pipeline = Pipeline(workspace, step("a"))
    before = pipeline.graph

    pipeline._set_experiment_name("training")

    assert pipeline.graph is before


def test_datasets_are_saved_at_the_submit(real_workspace: Workspace, step: MakeStep) -> None:
    """Datasets of inputs and of parameters have an id after the submit, which notebooks print."""
    definitions = [{"kind": "file", "sources": [{"url": f"https://host/{name}"}]} for name in "abc"]
    first, default, given = (FileDataset._create(definition, real_workspace) for definition in definitions)
    parameter = PipelineParameter("p", default)
    made = step("a", inputs=[first.as_named_input("i"), DatasetConsumptionConfig("p", parameter)])

    _save_datasets([made], real_workspace)
    values = parameter_values(Pipeline(real_workspace, made).graph, {"p": given}, real_workspace)

    assert first.id is not None
    assert default.id is not None
    assert values == {"p": f"dataset://id/{given.id}"}


def test_the_graph_says_what_it_has_instead_of_nodes(workspace: Workspace, step: MakeStep) -> None:
    """v1's Graph had nodes and edges; ours is plain data, and tells so."""
    graph = Pipeline(workspace, step("a")).graph

    with pytest.raises(AttributeError, match="no 'nodes'; it has steps"):
        graph.nodes  # noqa: B018 - what is tested
    assert not hasattr(graph, "edges")
    assert copy.deepcopy(graph) == pickle.loads(pickle.dumps(graph)) == graph
    with pytest.raises(NotSupportedError, match="service_endpoint"):
        Pipeline(workspace, step("a")).service_endpoint()
