"""Plain values of v1's modules, and PipelineDataset."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_ml.core import Workspace
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.data.file_dataset import FileDataset
from airflow_ml.graph import InputRef, ParameterSource
from airflow_ml.pipeline.core import Pipeline, PipelineDataset, PipelineParameter
from airflow_ml.pipeline.core.graph import InputPortDef, OutputPortDef, ParamDef
from airflow_ml.pipeline.steps import PythonScriptStep

MakeStep = Callable[..., PythonScriptStep]


def test_port_definitions_have_v1s_defaults() -> None:
    """A port takes files and folders, and holds a file, unless something else is said."""
    read, written = InputPortDef("i"), OutputPortDef("o")

    assert (read.data_types, read.is_optional, read.is_resource) == (["AnyFile", "AnyDirectory"], False, False)
    assert (written.data_type, OutputPortDef("o", is_directory=True).data_type) == ("AnyFile", "AnyDirectory")
    assert OutputPortDef("o", data_type="Own", is_directory=True).data_type == "Own"
    with pytest.raises(ValueError, match="unknown argument 'other'"):
        InputPortDef("i", other=1)


def test_definitions_keep_what_they_are_told() -> None:
    """Every argument is an attribute of its name."""
    given = {"name": "p", "default_value": 1, "is_optional": True, "set_env_var": True, "env_var_override": "X"}
    ports = {"default_datastore_mode": "mount", "default_path_on_compute": "p", "default_overwrite": True, "label": "l"}

    assert given.items() <= vars(ParamDef(**given)).items()
    for kind in (InputPortDef, OutputPortDef):
        assert {name: getattr(kind("n", **ports), name) for name in ports} == ports


def test_a_pipeline_dataset_is_an_input(workspace: Workspace, dataset: FileDataset, step: MakeStep) -> None:
    """It stands for a dataset under a name; with a parameter's name, runs may replace the dataset."""
    plain = PipelineDataset(dataset, "n", bind_mode="download")
    replaceable = PipelineDataset(dataset, "m", parameter_name="p")

    graph = Pipeline(workspace, step("a", inputs=[plain, replaceable])).graph

    assert (graph.step("a").input("n").source, graph.step("a").input("n").mode) == (dataset.source, "download")
    assert graph.step("a").input("m").source == ParameterSource("p")
    assert graph.parameter("p").kind == "dataset"


def test_a_pipeline_dataset_is_made_of_every_form(dataset: FileDataset) -> None:
    """A configuration gives name, mode and parameter; a PipelineDataset is copied with what is changed."""
    config = DatasetConsumptionConfig("n", PipelineParameter("p", dataset), "mount", "/x")

    made = PipelineDataset.create(config)
    renamed = PipelineDataset.create(made, name="other")

    assert (made.name, made.bind_mode, made.path_on_compute, made.parameter_name) == ("n", "mount", "/x", "p")
    assert (renamed.name, renamed.dataset, str(renamed)) == ("other", dataset, "$AZUREML_DATAREFERENCE_other")
    assert PipelineDataset.is_dataset(config)
    assert not PipelineDataset.is_dataset(made)


def test_a_pipeline_dataset_needs_a_name_and_a_dataset(dataset: FileDataset) -> None:
    """A dataset that is not registered has no name to lend; other objects are no datasets."""
    for make in (
        lambda: PipelineDataset(dataset),
        lambda: PipelineDataset.create("text"),
        lambda: PipelineDataset.default_name(5),
        lambda: PipelineDataset().dataset_id,
    ):
        with pytest.raises(ValueError, match="PipelineDataset"):
            make()
    assert PipelineDataset().saved_dataset_id is None


def test_a_pipeline_dataset_may_stand_in_the_arguments(
    workspace: Workspace, dataset: FileDataset, step: MakeStep
) -> None:
    """As in v1, it is taken in when it stands there alone."""
    made = PipelineDataset(dataset, "n")

    node = Pipeline(workspace, step("a", arguments=[made])).graph.step("a")

    assert node.arguments == ((InputRef("n"),),)
