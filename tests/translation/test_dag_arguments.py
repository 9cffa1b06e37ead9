"""What a DAG file says of when and how often its pipeline runs goes to Airflow as it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Asset, AsyncCallback, DeadlineAlert, DeadlineReference
from airflow.serialization.serialized_objects import DagSerialization

from airflow_ml.core import Workspace
from airflow_ml.pipeline.core import Pipeline, PipelineParameter
from airflow_ml.pipeline.steps import PythonScriptStep

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


async def tell() -> None:
    """Do what a missed deadline asks for."""


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return what makes a DAG of a pipeline and gives it as it comes back from Airflow's database."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "run.py").write_text("")
    step = PythonScriptStep("run.py", "run", ["{{ ds }}", PipelineParameter("day", "{{ ds }}")], source_directory="src")
    pipeline = Pipeline(Workspace("s", "g", "ml"), [step])

    def keep(**arguments: Any) -> Any:
        return DagSerialization.from_dict(DagSerialization.to_dict(pipeline.to_dag("d", **arguments)))

    return keep


def test_limits_and_times_are_airflows(kept: Callable[..., Any]) -> None:
    """A DAG catches up, runs so often at once, and ends in time, as it says."""
    dag = kept(
        schedule="@daily",
        start_date=START,
        catchup=True,
        max_active_runs=2,
        max_active_tasks=3,
        dagrun_timeout=timedelta(hours=1),
    )

    assert (dag.catchup, dag.max_active_runs, dag.max_active_tasks) == (True, 2, 3)
    assert (dag.dagrun_timeout, dag.timetable.summary) == (timedelta(hours=1), "0 0 * * *")


def test_a_dag_can_have_a_deadline(kept: Callable[..., Any]) -> None:
    """Airflow watches it."""
    alert = DeadlineAlert(DeadlineReference.DAGRUN_QUEUED_AT, timedelta(hours=2), AsyncCallback(tell))

    assert kept(deadline=alert).deadline


def test_a_dag_can_wait_for_assets(kept: Callable[..., Any]) -> None:
    """Its runs come when what it waits for was updated."""
    assert kept(schedule=[Asset("clean"), Asset("labels")]).timetable.summary == "Asset"


def test_the_form_shows_the_template(kept: Callable[..., Any]) -> None:
    """A default that is a template stands in the trigger form as it is in the file."""
    assert kept().params["day"] == "{{ ds }}"
