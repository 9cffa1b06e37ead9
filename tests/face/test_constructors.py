"""Constructors never change what the caller passed in, and building twice gives equal graphs."""

from __future__ import annotations

import gc
import pickle
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from airflow_ml.core import Workspace
from airflow_ml.core.runconfig import RunConfiguration
from airflow_ml.data import FileDataset, OutputFileDatasetConfig
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.datapath import DataPath, DataPathComputeBinding
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.pipeline.core import (
    InputPortBinding,
    OutputPortBinding,
    Pipeline,
    PipelineData,
    PipelineDataset,
    PipelineParameter,
    PipelineStep,
    StepSequence,
)
from airflow_ml.pipeline.core.graph import InputPortDef
from airflow_ml.pipeline.steps import PythonScriptStep

STEP = {"script_name": "run.py", "source_directory": "src"}


@pytest.fixture
def given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """One object of each kind that constructors are given; the current folder has `src/run.py`."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "run.py").touch()
    monkeypatch.chdir(tmp_path)
    workspace = Workspace("subscription", "group", "ml")
    store = AzureBlobDatastore(workspace, "store", "container", "account")
    dataset = FileDataset._create({"kind": "file", "sources": [{"datastore": "store", "path": "raw/"}]}, workspace)
    data, config = PipelineData("data", store), OutputFileDatasetConfig("config", (store, "made/{run-id}"))
    path = DataPath(store, "a")
    return {
        "workspace": workspace,
        "store": store,
        "dataset": dataset,
        "data": data,
        "form": PipelineData("form").as_dataset(),
        "config": config,
        "written": OutputPortBinding("written"),
        "reference": DataReference(store, "reference", "b"),
        "path": path,
        "binding": DataPathComputeBinding(),
        "parameter": PipelineParameter("parameter", 1),
        "path_parameter": PipelineParameter("path_parameter", path),
        "input": dataset.as_named_input("named").as_mount(),
        "runconfig": RunConfiguration(),
    }


def snapshot(value: object, seen: dict[int, object] | None = None) -> object:
    """Return everything that an object holds, however deep, as plain values that can be compared."""
    seen = {} if seen is None else seen
    if isinstance(value, (str, bytes, int, float, type, type(None))) or callable(value):
        return value
    if id(value) in seen:
        return ("seen", id(value))
    seen[id(value)] = value
    if isinstance(value, Mapping):
        return [(snapshot(key, seen), snapshot(item, seen)) for key, item in value.items()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [type(value), *(snapshot(item, seen) for item in value)]
    return (type(value), id(value), snapshot(getattr(value, "__dict__", {}), seen))


def writer(of: dict[str, object]) -> PythonScriptStep:
    """Make the step that writes all data."""
    outputs = [of["data"], of["form"], of["config"], of["written"]]
    return PythonScriptStep(
        **STEP,
        name="writer",
        outputs=outputs,
        inputs=[of["input"], of["reference"], (of["path_parameter"], of["binding"])],
        arguments=["--x", of["parameter"], *outputs[:3], of["reference"]],
        params={"p": of["parameter"]},
        runconfig=of["runconfig"],
        runconfig_pipeline_params={"NodeCount": PipelineParameter("nodes", 1)},
    )


def reader(of: dict[str, object]) -> PythonScriptStep:
    """Make the step that reads all data."""
    read = [of["data"], of["form"], of["config"], InputPortBinding("read", of["written"])]
    return PythonScriptStep(**STEP, name="reader", inputs=read, arguments=read)


MAKERS: dict[str, Callable[[dict[str, object]], object]] = {
    "PythonScriptStep that writes": writer,
    "PythonScriptStep that reads": reader,
    "PythonScriptStep with data in its arguments alone": lambda of: PythonScriptStep(**STEP, arguments=[of["data"]]),
    "PipelineStep": lambda of: PipelineStep("a", [of["input"]], [of["data"]], [of["data"]], True, [of["reference"]]),
    "Pipeline": lambda of: Pipeline(of["workspace"], [writer(of), reader(of)], "text", of["store"]),
    "StepSequence": lambda of: StepSequence([[writer(of)], reader(of)]),
    "PipelineData": lambda of: PipelineData("d", of["store"]),
    "PipelineData.as_dataset": lambda of: of["data"].as_dataset().parse_delimited_files().keep_columns(["x"]),
    "InputPortBinding": lambda of: InputPortBinding("i", of["data"], "download").as_resource(),
    "OutputPortBinding": lambda of: OutputPortBinding("o", of["store"]),
    "PipelineParameter": lambda of: PipelineParameter("p", of["dataset"]),
    "PipelineDataset": lambda of: PipelineDataset(of["dataset"], "n").create_input_binding(),
    "InputPortDef": lambda of: InputPortDef("i", data_types=["AnyFile"]),
    "DatasetConsumptionConfig": lambda of: DatasetConsumptionConfig("n", of["dataset"], "mount"),
    "OutputFileDatasetConfig": lambda of: OutputFileDatasetConfig("o", (of["store"], "p")).as_upload().as_input("i"),
    "OutputFileDatasetConfig as an input": lambda of: of["config"].read_delimited_files().as_input("i"),
    "DataReference": lambda of: DataReference(of["store"], "r", "p").as_download(),
    "DataReference.create": lambda of: DataReference.create("r", of["path"], of["binding"]),
    "DataPath": lambda of: DataPath(of["store"], "p").create_data_reference("r"),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_constructors_leave_what_they_are_given_alone(given: dict[str, object], maker: str) -> None:
    """Whatever is made with them, objects hold what they held, and pickle to the same bytes."""
    before = snapshot(given)
    pickled = {name: pickle.dumps(given[name]) for name in ("data", "config", "written", "parameter")}

    made = MAKERS[maker](given)

    assert snapshot(given) == before
    assert {name: pickle.dumps(given[name]) for name in pickled} == pickled
    assert made is not None


def test_lists_and_mappings_are_left_alone(given: dict[str, object]) -> None:
    """Lists and mappings keep their items, and what is done to them later does not reach the step."""
    inputs, outputs, arguments = [given["input"]], [given["data"]], [given["config"], given["data"]]
    params: dict[str, object] = {"p": 1}
    before = snapshot([inputs, outputs, arguments, params])
    made = PythonScriptStep(**STEP, inputs=inputs, outputs=outputs, arguments=arguments, params=params)
    graph = Pipeline(given["workspace"], [made]).graph

    assert snapshot([inputs, outputs, arguments, params]) == before
    inputs.clear()
    arguments.append("late")
    params["late"] = 2
    assert Pipeline(given["workspace"], [made]).graph == graph


def test_building_twice_gives_equal_graphs(given: dict[str, object]) -> None:
    """One list of steps makes equal pipelines, also after it has been part of another one."""
    steps = [reader(given), writer(given)]
    first = Pipeline(given["workspace"], steps)
    Pipeline(given["workspace"], StepSequence([PythonScriptStep(**STEP, name="before"), *reversed(steps)]))

    assert Pipeline(given["workspace"], steps).graph == first.graph
    assert Pipeline(given["workspace"], steps).graph == Pipeline(given["workspace"], steps[:1]).graph


def test_notes_about_writers_die_with_their_data(given: dict[str, object]) -> None:
    """A step lives as long as the data that it writes, and no longer."""
    data = PipelineData("kept")
    step = PythonScriptStep(**STEP, outputs=[data])
    note = weakref.ref(step)

    del step
    gc.collect()
    assert note() is not None
    del data
    gc.collect()
    assert note() is None
