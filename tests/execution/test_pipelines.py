"""What is told about pipeline runs."""

import json
from datetime import datetime, timezone
from pathlib import Path

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.execution.pipelines import (
    Opening,
    open_pipeline,
    parameter_texts,
    printable_parameters,
    record_refusal,
)
from airflow_ml.execution.services import Services
from airflow_ml.graph import DatasetSource, Graph, Parameter, WorkspaceRef
from airflow_ml.registry import open_registry


def test_secret_looking_parameters_are_masked(home: Path):
    """A log and an XCom never hold the value of a parameter whose name looks like a secret's; the script gets it."""
    details = {"parameters": {"api_key": "hunter22", "rate": 0.1, "password": "", "text": None}}
    with open_registry(WorkspaceRef("w")) as registry:
        run = registry.runs.create("e", "p", kind="pipeline", created_at=datetime.now(timezone.utc), details=details)

    assert printable_parameters(run) == {"api_key": "***", "rate": 0.1, "password": "", "text": None}
    assert parameter_texts(run)["api_key"] == "hunter22"


def test_properties_mask_secret_looking_parameters(services: Services):
    """A run's properties are printed when it ends; the script's value is not among them."""
    graph = Graph(
        "p", WorkspaceRef("w"), (), (Parameter("api_key", "string", "hunter22"), Parameter("n", "integer", 1))
    )

    run = open_pipeline(services, graph, Opening("e", dag_id="d", dag_run_id="r"))

    assert json.loads(run.properties["azureml.parameters"]) == {"api_key": "***", "n": "1"}
    assert parameter_texts(run)["api_key"] == "hunter22"


def test_an_archived_experiment_takes_no_pipeline_run(services: Services):
    """Opening one says how to go on, and no refused run is recorded either."""
    services.registry.experiments.get_or_create("e")
    services.registry.experiments.archive("e")
    graph, opening = Graph("p", WorkspaceRef("w"), ()), Opening("e", dag_id="d", dag_run_id="r")

    with pytest.raises(UserErrorException, match=r"'e': it was archived .*reactivate\(\)") as caught:
        open_pipeline(services, graph, opening)
    record_refusal(services, graph, opening, caught.value)

    assert list(services.registry.runs.list()) == []


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"files": "dataset://nope"}, "parameter 'files': .*'nope'.* is not registered"),
        ({"files": "dataset://id/none"}, "parameter 'files': .*'none'"),
        ({"files": "dataset://table@1"}, "'files': 'dataset://table@1' is a dataset of kind 'tabular', its default of"),
        ({"place": "datastore://nope/x"}, "parameter 'place': .*'nope'"),
    ],
)
def test_data_of_parameters_is_looked_up_before_the_first_step(services: Services, value: object, message: str):
    """A dataset or datastore that is not there, or a dataset of another kind, stops the run when it is opened."""
    sources: list[object] = [{"datastore": "workspaceblobstore", "path": "a"}]
    services.registry.datasets.register("table", {"kind": "tabular", "format": "parquet", "sources": sources})
    default = DatasetSource(definition={"kind": "file", "sources": sources})
    parameters = (Parameter("files", "dataset", None, default), Parameter("place", "datapath", "datastore://d/x"))
    graph = Graph("p", WorkspaceRef("w"), (), parameters)

    with pytest.raises(UserErrorException, match=message):
        open_pipeline(services, graph, Opening("e", dag_id="d", dag_run_id="r", parameters=value))


def test_a_default_dataset_without_a_name_is_recorded_by_its_id(services: Services):
    """The run's parameters say which data it took, also when nobody gave a value and the default has no name."""
    definition = {"kind": "file", "sources": [{"datastore": "workspaceblobstore", "path": "a"}]}
    graph = Graph("p", WorkspaceRef("w"), (), (Parameter("d", "dataset", None, DatasetSource(definition=definition)),))

    run = open_pipeline(services, graph, Opening("e", dag_id="d", dag_run_id="r"))

    uri = f"dataset://id/{services.registry.datasets.save(definition)}"
    assert run.details["parameters"] == {"d": uri}
    assert json.loads(run.properties["azureml.parameters"]) == {"d": uri}
