"""What the DAG processor and the scheduler import before they fork."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_ml.translation.airflow_settings import inherited_settings

pytestmark = pytest.mark.airflow

SCRIPT = """
import importlib, json, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
from airflow.listeners.listener import get_listener_manager
get_listener_manager()  # every job of Airflow does this when it is made; it loads the plugins
print(json.dumps(sorted(name for name in sys.modules if name.startswith("airflow_ml."))))
"""


def modules_after(tmp_path: Path, *imported: str, **settings: str) -> list[str]:
    """Return our modules that a process of Airflow has after it has loaded its plugins."""
    places = {"AIRFLOW_HOME": str(tmp_path / "airflow"), "AIRFLOW_ML_HOME": str(tmp_path)}
    environment = {**inherited_settings(), **places, **settings}
    command = [sys.executable, "-c", SCRIPT, *imported]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_dag_processor_has_the_face_before_it_forks(tmp_path: Path) -> None:
    """What DAG files use is imported once; rooms that open databases or read data are not."""
    found = modules_after(tmp_path, "airflow.dag_processing.manager")

    assert {"airflow_ml.pipeline.core.pipeline", "airflow_ml.operators.step", "airflow_ml.core.workspace"} <= set(found)
    rooms = ("airflow_ml.registry", "airflow_ml.storage", "airflow_ml.execution", "airflow_ml.snapshots")
    assert [name for name in found if name.startswith(rooms)] == []
    assert not (tmp_path / "stores").exists()


def test_scheduler_whose_executor_forks_has_what_tasks_use(tmp_path: Path) -> None:
    """The local executor's tasks import nothing of ours; nothing is opened for them."""
    found = modules_after(tmp_path, "airflow.cli.commands.scheduler_command")

    assert {"airflow_ml.execution.reusing", "airflow_ml.operators._announcing"} <= set(found)
    assert {"airflow_ml.registry.statements", "airflow_ml.registry.runs", "airflow_ml.registry.tables"} <= set(found)
    assert [place.name for place in tmp_path.iterdir() if place.name != "airflow"] == []


def test_scheduler_of_another_executor_imports_the_plugin_alone(tmp_path: Path) -> None:
    """Tasks that start on other machines gain nothing from what the scheduler imports."""
    executor = "airflow.executors.base_executor.BaseExecutor"
    found = modules_after(tmp_path, "airflow.cli.commands.scheduler_command", AIRFLOW__CORE__EXECUTOR=executor)

    assert [name for name in found if name.startswith("airflow_ml.execution")] == []


def test_other_processes_import_the_plugin_alone(tmp_path: Path) -> None:
    """A process that parses nothing, a task's for instance, pays nothing."""
    found = modules_after(tmp_path)

    assert [name for name in found if name.startswith(("airflow_ml.pipeline", "airflow_ml.core"))] == []


def test_celery_worker_has_what_tasks_use_before_it_forks(tmp_path: Path) -> None:
    """A Celery worker's tasks import nothing of ours, though Airflow loads no plugin in the worker itself."""
    places = {"AIRFLOW_HOME": str(tmp_path / "airflow"), "AIRFLOW_ML_HOME": str(tmp_path)}
    script = 'import sys, airflow; print(*sys.modules, sep="\\n")'

    for arguments, is_worker in (["celery", "worker"], True), (["scheduler"], False):
        command = [sys.executable, "-c", script, *arguments]
        done = subprocess.run(
            command, env={**inherited_settings(), **places}, capture_output=True, text=True, check=True
        )
        assert ("airflow_ml.execution.steps" in done.stdout.splitlines()) is is_worker
