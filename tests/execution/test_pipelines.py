"""What is told about pipeline runs."""

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
from airflow_ml.graph import Graph, WorkspaceRef
from airflow_ml.registry import open_registry


def test_secret_looking_parameters_are_masked(home: Path):
    """A log and an XCom never hold the value of a parameter whose name looks like a secret's; the script gets it."""
    details = {"parameters": {"api_key": "hunter22", "rate": 0.1, "password": "", "text": None}}
    with open_registry(WorkspaceRef("w")) as registry:
        run = registry.runs.create("e", "p", kind="pipeline", created_at=datetime.now(timezone.utc), details=details)

    assert printable_parameters(run) == {"api_key": "***", "rate": 0.1, "password": "", "text": None}
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
