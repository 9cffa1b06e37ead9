"""What is told about pipeline runs."""

from datetime import datetime, timezone
from pathlib import Path

from airflow_ml.execution.pipelines import parameter_texts, printable_parameters
from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import open_registry


def test_secret_looking_parameters_are_masked(home: Path):
    """A log and an XCom never hold the value of a parameter whose name looks like a secret's; the script gets it."""
    details = {"parameters": {"api_key": "hunter22", "rate": 0.1, "password": "", "text": None}}
    with open_registry(WorkspaceRef("w")) as registry:
        run = registry.runs.create("e", "p", kind="pipeline", created_at=datetime.now(timezone.utc), details=details)

    assert printable_parameters(run) == {"api_key": "***", "rate": 0.1, "password": "", "text": None}
    assert parameter_texts(run)["api_key"] == "hunter22"
