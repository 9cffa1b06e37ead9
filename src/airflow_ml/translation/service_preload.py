"""
Imports that every task of the service needs, made once in the processes that tasks are forked from.

Airflow imports `config/airflow_local_settings.py` of its home in each of its parts; that file calls `preload`, which
takes about half of a short task's time away. It also has the hook by which steps get the slots of their targets.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from airflow_ml._late import late

if TYPE_CHECKING:
    from airflow_ml.translation import preload as common
else:
    common = late("airflow_ml.translation.preload")

__all__ = ["SETTINGS_FILE", "preload"]

#: What the service's `airflow_local_settings.py` holds.
SETTINGS_FILE = '''"""Imported by Airflow's parts when they start."""
from airflow_ml.translation.service_preload import preload
from airflow_ml.translation.task_mutation import task_instance_mutation_hook

preload()
'''

#: Parts of Airflow that fork: a process per task, and per DAG file that is read.
_FORKING = ("scheduler", "dag-processor")


def preload() -> None:
    """Import what tasks need, if this process is one that tasks are forked from; nothing is opened."""
    if sys.argv[1:2] and sys.argv[1] in _FORKING:
        for name in ("bundle", "bundle_dags"):
            importlib.import_module(f"airflow_ml.translation.{name}")
        common.preload_tasks()
