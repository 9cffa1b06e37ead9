"""Values of pipeline parameters as `submit` is given them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_ml.core import Workspace
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.datapath import DataPath, DataPathComputeBinding
from airflow_ml.data.file_dataset import FileDataset
from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import Graph
from airflow_ml.pipeline.core import Pipeline, PipelineParameter
from airflow_ml.pipeline.core._values import parameter_values
from airflow_ml.pipeline.steps import PythonScriptStep

MakeStep = Callable[..., PythonScriptStep]


@pytest.fixture
def graph(workspace: Workspace, store: AzureBlobDatastore, step: MakeStep) -> Graph:
    """A pipeline with a text, a number and a data path as parameters."""
    path = (PipelineParameter("path", DataPath(store, "a")), DataPathComputeBinding())
    arguments = [PipelineParameter("text", "x"), PipelineParameter("number", 1), path]
    return Pipeline(workspace, step("a", arguments=arguments)).graph


def test_data_objects_become_text(graph: Graph, workspace: Workspace, store: AzureBlobDatastore) -> None:
    """Data paths are written as forms and REST bodies write them; plain values stay; a parameter is its default."""
    given = {"path": DataPath(store, "a/b"), "text": PipelineParameter("other", ""), "number": 2}

    assert parameter_values(graph, given, workspace) == {"path": "datastore://store/a/b", "text": "", "number": 2}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"nothing": 1}, "has no parameter 'nothing'; it declares: number, path, text"),
        ({"number": "1"}, "parameter 'number': '1' is a str"),
        ({"number": True}, "parameter 'number': True is a bool"),
    ],
)
def test_wrong_values_raise(graph: Graph, workspace: Workspace, given: dict[str, object], words: str) -> None:
    """Unknown names and values of another kind than the default are errors of submit."""
    with pytest.raises(UserErrorException, match=words):
        parameter_values(graph, given, workspace)


def test_a_dataset_is_no_text(graph: Graph, workspace: Workspace, dataset: FileDataset) -> None:
    """A dataset for a parameter of another kind is a TypeError, as in v1, and is not saved."""
    with pytest.raises(TypeError, match=r"parameter 'text': .* is a dataset, but its default 'x'"):
        parameter_values(graph, {"text": dataset}, workspace)
    with pytest.raises(UserErrorException, match="no parameter 'nothing'"):
        parameter_values(graph, {"nothing": dataset}, workspace)
    assert dataset.id is None
