"""What the DAG processor imports before it forks."""

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


def modules_after(tmp_path: Path, *imported: str) -> list[str]:
    """Return our modules that a process of Airflow has after it has loaded its plugins."""
    environment = {**inherited_settings(), "AIRFLOW_HOME": str(tmp_path / "airflow"), "AIRFLOW_ML_HOME": str(tmp_path)}
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


def test_other_processes_import_the_plugin_alone(tmp_path: Path) -> None:
    """A process that parses nothing, a task's for instance, pays nothing."""
    found = modules_after(tmp_path)

    assert [name for name in found if name.startswith(("airflow_ml.pipeline", "airflow_ml.core"))] == []
